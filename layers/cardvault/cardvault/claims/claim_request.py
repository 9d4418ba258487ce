"""The claim page's requests: token in the body, session in a cookie that scripts can not read."""

import re
from typing import Any

from cardvault.claims.claim import SESSION_LIFETIME, Visit
from cardvault.errors import InvalidRequest
from cardvault.http import request
from cardvault.http.schemas import checker
from cardvault.links import hash_token

_SECRET = re.compile(r"[\x21-\x7e]{32,128}")

_text = {"type": "string", "maxLength": 200}
_check = checker(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["token"],
        "properties": {
            "token": _text,
            "code": _text,
            "format": {"type": "string", "enum": ["txt", "csv", "json"], "default": "txt"},
            "page": {"type": "integer", "minimum": 0, "maximum": 9_999, "default": 0},
        },
    }
)


def read(event: request.Event) -> tuple[Visit, dict[str, Any]]:
    """The visit, and the body it came with, defaults filled in. Raises InvalidRequest."""
    body = _check(request.json_body(event))
    token = body["token"]
    return Visit(token, _session(event, token), request.origin(event)), body


def repeat_key(event: request.Event) -> str | None:
    """The Idempotency-Key, which must be hard to guess: it can open a session a second time."""
    key = request.header(event, "idempotency-key")
    if key is not None and not _SECRET.fullmatch(key):
        raise InvalidRequest("Idempotency-Key must be 32 to 128 visible characters")
    return key


def session_cookie(token: str, session: str) -> str:
    """The Set-Cookie of a claim, one name per link so that two orders do not meet."""
    seconds = int(SESSION_LIFETIME.total_seconds())
    flags = f"Max-Age={seconds}; Path=/; HttpOnly; Secure; SameSite=Strict"
    return f"{_cookie_name(token)}={session}; {flags}"


def _cookie_name(token: str) -> str:
    return f"__Host-claim-{hash_token(token)[:16]}"


def _session(event: request.Event, token: str) -> str | None:
    for cookie in event.get("cookies") or []:
        name, _, value = str(cookie).partition("=")
        if name.strip() == _cookie_name(token):
            return value
    return None
