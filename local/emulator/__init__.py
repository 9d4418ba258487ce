"""The AWS emulator (ministack 1.5.33) with the gaps filled that this product would fall into.

Each module fills the gaps of one service; each gap is one named function whose docstring says
which defect of the emulator it fills. Everything here replaces or wraps names private to one exact
version of the emulator, so that version is pinned and `tests/embedded/gaps` shows every defect.
"""
