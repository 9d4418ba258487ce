"""Where a list goes on: `nextCursor` of an answer is `cursor` of the next request.

A cursor is opaque: base64url of a JSON list that names the last thing shown. It is not signed,
so nothing in it may decide whose things are listed (I6).
"""

import base64
import json
from collections.abc import Callable
from typing import Any

from cardvault.errors import InvalidRequest


def encode(*place: str | int) -> str:
    """The cursor of a place."""
    text = json.dumps(place, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, *shapes: Callable[[Any], Any]) -> list[Any]:
    """The parts of a cursor's place, one for each shape.

    A shape refuses a part by a false answer, a ValueError or a TypeError. Raises InvalidRequest
    on a cursor that `encode` did not make or that is another list's.
    """
    digits = cursor.rstrip("=")
    padding = "=" * (-len(digits) % 4)
    try:
        place = json.loads(base64.b64decode(digits + padding, altchars=b"-_", validate=True))
        ours = isinstance(place, list) and all(
            shape(part) for shape, part in zip(shapes, place, strict=True)
        )
    except (ValueError, TypeError, RecursionError):
        ours = False
    if not ours:
        raise InvalidRequest("cursor is not one of ours")
    return list(place)


def is_count(part: Any) -> bool:
    """The shape of a number from 1, such as an entry's."""
    return type(part) is int and 0 < part < 10**9
