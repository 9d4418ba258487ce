"""Where a list goes on: `nextCursor` of an answer is `cursor` of the next request.

A cursor is opaque: base64url of a JSON list that names the last thing shown. It is not signed,
so nothing in it may decide whose things are listed (I6). A list that passes over what its caller
may not see seals its cursors, for the last thing looked at may be somebody else's.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from cardvault.errors import CannotOpen, InvalidRequest

Shape = Callable[[Any], Any]


class Vault(Protocol):
    """What seals a text for a place: a NumberVault."""

    def seal(self, content: str, place: str) -> bytes:
        """The text, sealed for this place and no other."""

    def open(self, sealed: bytes, place: str) -> str:
        """The text sealed for this place. Raises CannotOpen."""


def encode(*place: str | int) -> str:
    """The cursor of a place."""
    return _as_cursor(_written(place).encode())


def decode(cursor: str, *shapes: Shape) -> list[Any]:
    """The parts of a cursor's place, one for each shape.

    A shape refuses a part by a false answer, a ValueError or a TypeError. Raises InvalidRequest
    on a cursor that `encode` did not make or that is another list's.
    """
    return _read(_content(cursor), shapes)


@dataclass(frozen=True, slots=True)
class SealedCursors:
    """Cursors that tell nothing, and lead on nobody but whom they were given to, in one list."""

    vault: Vault = field(repr=False)
    whose: tuple[str, ...]

    def encode(self, *place: str | int) -> str:
        """The cursor of a place: of the same place another one each time."""
        return _as_cursor(self.vault.seal(_written(place), self._sealed_for()))

    def decode(self, cursor: str, *shapes: Shape) -> list[Any]:
        """As `decode` of this module. Raises InvalidRequest on another caller's or list's too."""
        try:
            opened = self.vault.open(_content(cursor), self._sealed_for())
        except CannotOpen:
            raise _not_ours() from None
        return _read(opened.encode(), shapes)

    def _sealed_for(self) -> str:
        return f"cursor {json.dumps(self.whose)}"


def _written(place: tuple[str | int, ...]) -> str:
    return json.dumps(place, separators=(",", ":"))


def _as_cursor(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _content(cursor: str) -> bytes:
    digits = cursor.rstrip("=")
    padding = "=" * (-len(digits) % 4)
    try:
        return base64.b64decode(digits + padding, altchars=b"-_", validate=True)
    except ValueError:
        raise _not_ours() from None


def _read(content: bytes, shapes: tuple[Shape, ...]) -> list[Any]:
    try:
        place = json.loads(content)
        ours = isinstance(place, list) and all(
            shape(part) for shape, part in zip(shapes, place, strict=True)
        )
    except (ValueError, TypeError, RecursionError):
        ours = False
    if not ours:
        raise _not_ours()
    return list(place)


def _not_ours() -> InvalidRequest:
    return InvalidRequest("cursor is not one of ours")


def is_count(part: Any) -> bool:
    """The shape of a number from 1, such as an entry's."""
    return type(part) is int and 0 < part < 10**9
