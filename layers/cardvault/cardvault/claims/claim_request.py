"""The claim page's requests: token in the body, session in a cookie that scripts cannot read."""

from typing import Any

from cardvault.claims.claim import SESSION_LIFETIME, ClaimRequest
from cardvault.http import fields, request
from cardvault.http.body import json_body
from cardvault.http.schemas import body, checker
from cardvault.links import hash_token

_text = {"type": "string", "maxLength": 200}
_check = checker(
    body(
        {"token": _text},
        {
            "code": _text,
            "email": {"type": "string", "maxLength": 320},
            "format": {"type": "string", "enum": ["txt", "xlsx", "csv", "json"], "default": "txt"},
            "page": {"type": "integer", "minimum": 0, "maximum": 9_999, "default": 0},
        },
    )
)


def read(event: request.Event) -> tuple[ClaimRequest, dict[str, Any]]:
    """The claim request, and its body with defaults filled in.

    Raises BodyTooLarge, InvalidRequest.
    """
    wanted = _check(json_body(event))
    token = wanted["token"]
    return ClaimRequest(token, _session(event, token), request.origin(event)), wanted


def repeat_key(event: request.Event) -> str | None:
    """The Idempotency-Key, which must be hard to guess: it can open a session a second time."""
    key = request.header(event, "idempotency-key")
    return None if key is None else fields.idempotency_key(key, fields.SECRET_IDEMPOTENCY_KEY)


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
