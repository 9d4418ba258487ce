"""Every text of the repository, for tests that no sentence may escape."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.template import ROOT

_NOT_OURS = {"LICENSE"}
_HIDDEN_BUT_OURS = {".ci", ".github", ".checkov.yaml"}


@cache
def texts() -> dict[str, str]:
    """Path below the root -> content, of each file that a person wrote."""
    return {str(path.relative_to(ROOT)): text for path, text in _read(ROOT)}


def _read(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS
        if hidden or path.name in _NOT_OURS or path.name == "__pycache__":
            continue
        if path.is_dir():
            yield from _read(path)
            continue
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue  # an image
