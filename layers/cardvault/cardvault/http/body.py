"""The body of a request: how long it may be, and its JSON, which is judged before it is used.

What is read here costs no more than its length: nothing is written out again, and a number that
would grow when somebody writes it out (`1e60000000`) does not come in.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from cardvault import errors
from cardvault.core import decimal_json
from cardvault.http.endpoint import GIFT_CARDS
from cardvault.http.request import Event, header

BODY_ERRORS = (errors.BodyTooLarge, errors.InvalidRequest, errors.UnsupportedMediaType)
"""What reading a body may raise."""

LONGEST = 4 * 1024
"""Bytes of any body, but for the routes below: the token, claims, downloads, resends."""
_LONGEST_ON = {
    # Names and instructions of 1,200 characters together, each of which JSON may write in 12 bytes.
    "POST /api/orders": 16 * 1024,
    # Holds nothing but a number and a code, and comes from anyone.
    "POST /v2/giftcards/programs/{programId}/balance-check": 1024,
    # 500 recipients: 2 KB for each.
    "POST /v2/giftcards/programs/{programId}/cards/bulk": 1024 * 1024,
}
# Texts of some 1,800 characters together, each of which JSON may write in 12 bytes.
_LONGEST_OF_GIFT_CARDS = 24 * 1024
# Objects and lists in one another. A body of ours has three.
DEEPEST = 8
_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json\s*(;.*)?", re.IGNORECASE | re.DOTALL)
# Some editors and spreadsheets write it before a text.
_BYTE_ORDER_MARK = "\ufeff"


def longest(route: str) -> int:
    """The bytes that a body may have on that route ("POST /api/orders")."""
    of_its_api = _LONGEST_OF_GIFT_CARDS if GIFT_CARDS in route else LONGEST
    return _LONGEST_ON.get(route, of_its_api)


def text_body(event: Event) -> str:
    """The body as text, empty if there is none.

    Raises BodyTooLarge, UnsupportedMediaType if it is compressed, and InvalidRequest if it is not
    UTF-8.
    """
    if (header(event, "content-encoding") or "identity").strip().lower() != "identity":
        raise errors.UnsupportedMediaType("body must not be compressed: no Content-Encoding")
    body, most = str(event.get("body") or ""), longest(event.get("routeKey", ""))
    in_base64 = bool(event.get("isBase64Encoded"))
    # What is too long for certain is not decoded: 4 characters of base64 are 3 bytes.
    if len(body) > (most * 4 / 3 + 4 if in_base64 else most):
        raise _too_large(most)
    try:
        content = base64.b64decode(body) if in_base64 else body.encode()
        text = content.decode()
    except ValueError:
        raise errors.InvalidRequest("body must be UTF-8 text") from None
    if len(content) > most:
        raise _too_large(most)
    return text


def _too_large(most: int) -> errors.BodyTooLarge:
    return errors.BodyTooLarge(f"body may have at most {most} bytes")


def json_body(event: Event) -> dict[str, Any]:
    """The body as a JSON object. Raises BodyTooLarge, UnsupportedMediaType, InvalidRequest."""
    if (kind := header(event, "content-type")) and not _JSON.fullmatch(kind.strip()):
        raise errors.UnsupportedMediaType("body must be JSON: Content-Type application/json")
    body = _parsed(text_body(event).removeprefix(_BYTE_ORDER_MARK))
    if not isinstance(body, dict):
        raise errors.InvalidRequest("body must be a JSON object")
    return body


def _parsed(text: str) -> Any:
    """Any JSON. Raises InvalidRequest, which says where it ends to be JSON, not what is there."""
    if not text.strip():
        raise errors.InvalidRequest("body is missing: it must be a JSON object")
    try:
        body = decimal_json.loads(text)
        _expect_sound(body)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise errors.InvalidRequest(f"body is not JSON: {place}") from None
    except (ValueError, RecursionError):
        raise errors.InvalidRequest(
            f"body must be JSON of at most {DEEPEST} levels, with numbers of at most"
            f" {decimal_json.LONGEST_NUMBER} digits and whole characters"
        ) from None
    return body


def optional_json_body(event: Event) -> dict[str, Any]:
    """As `json_body`, and an empty object if there is no body."""
    return json_body(event) if event.get("body") else {}


def _expect_sound(body: Any) -> None:
    """Raises ValueError on half a character, which no store would take, and on depth."""
    level, depth = [body], 0
    while level:
        if depth > DEEPEST:
            raise ValueError("too deep")
        for part in level:
            if isinstance(part, str):
                part.encode()
        level = [inner for part in level for inner in _inside(part)]
        depth += 1


def _inside(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        yield from part
        yield from part.values()
    elif isinstance(part, list):
        yield from part
