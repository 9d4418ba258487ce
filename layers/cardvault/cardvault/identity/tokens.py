"""Access tokens: OAuth 2.0 client credentials (RFC 6749, section 4.4).

A client with `users:act-as` may name one of its users in `user_id`; the token's `sub` is then
that user. Otherwise `sub` is the client itself.

A client's own token has all its scopes unless `scope` names fewer. A user's token may end up in a
browser, so without `scope` it has the least: OF_A_USER. More is for the client to ask for.
"""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from cardvault.core.clock import Clock, utc_now
from cardvault.core.ids import is_id
from cardvault.http.fields import CALLERS_ID, fits
from cardvault.identity import clients
from cardvault.identity.clients import ApiClient
from cardvault.identity.signing import SigningKey

ACT_AS = "users:act-as"
OF_A_USER = ("orders:read", "cards:reveal", "giftcards:read")
"""The scopes of a user's token for which `scope` names none, as far as the client has them."""


_FORM = "application/x-www-form-urlencoded"
# What a pasted secret does not look like. Anything else is not repeated.
_LIKE_A_SCOPE = re.compile("[a-z]{1,20}:[a-z-]{1,20}(,[a-z]{1,20}:[a-z-]{1,20}){0,9}")


class TokenRefused(Exception):
    """Why there is no token: `error` is a code of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True)
class IssueToken:
    """Signs tokens for one issuer and audience."""

    key: SigningKey
    issuer: str
    audience: str
    lifetime: timedelta
    clock: Clock = utc_now

    def __call__(self, body: str, authorization: str | None) -> dict[str, Any]:
        """The answer to a token request, given its form body and Authorization header.

        Raises TokenRefused.
        """
        form = _form(body)
        _expect_client_credentials(form)
        client_id, secret = _credentials(form, authorization)
        client = clients.authenticate(client_id, secret, clock=self.clock)
        if client is None:
            raise TokenRefused("invalid_client", "client authentication failed")
        subject = _subject(client, form.get("user_id"))
        scopes = _granted(client, form.get("scope"), for_user=subject != client.client_id)
        return {
            "access_token": self.key.sign(self._claims(client, subject, scopes)),
            "token_type": "Bearer",
            "expires_in": int(self.lifetime.total_seconds()),
            "scope": " ".join(scopes),
        }

    def _claims(self, client: ApiClient, subject: str, scopes: list[str]) -> dict[str, Any]:
        now = int(self.clock().timestamp())
        return {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "client_id": client.client_id,
            "tenant": client.tenant_id,
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + int(self.lifetime.total_seconds()),
            "jti": secrets.token_hex(16),
        }


def expect_form(content_type: str | None) -> None:
    """Raises TokenRefused for a body of another kind, which would be read as a form of nothing."""
    kind = (content_type or _FORM).partition(";")[0].strip().lower()
    if kind != _FORM:
        raise TokenRefused("invalid_request", f"send the parameters as a form: {_FORM}")


def _form(body: str) -> Mapping[str, str]:
    """The parameters that have a value; without one they are as good as absent (section 3.2)."""
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise TokenRefused("invalid_request", "the body is not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise TokenRefused("invalid_request", "a parameter is given twice")
    return {name: value for name, value in form.items() if value}


def _expect_client_credentials(form: Mapping[str, str]) -> None:
    grant = form.get("grant_type")
    if not grant:
        raise TokenRefused("invalid_request", "grant_type is required")
    if grant != "client_credentials":
        raise TokenRefused("unsupported_grant_type", "grant_type must be client_credentials")


def _credentials(form: Mapping[str, str], authorization: str | None) -> tuple[str, str]:
    """RFC 6749, section 2.3.1: HTTP Basic, each half form-encoded, or both in the body.

    Its own client_id may stand beside HTTP Basic: an id alone is no second way.
    """
    in_body = form.get("client_id", ""), form.get("client_secret", "")
    if not authorization:
        if not all(in_body):
            raise TokenRefused("invalid_client", "client_id and client_secret are required")
        return in_body
    if in_body[1]:
        raise TokenRefused("invalid_request", "authenticate in one way, not two")
    kind, _, encoded = authorization.partition(" ")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        client_id = secret = ""
    if kind.lower() != "basic" or not client_id or not secret:
        raise TokenRefused("invalid_client", "Authorization must be HTTP Basic")
    client_id = unquote_plus(client_id)
    if in_body[0] not in {"", client_id}:
        raise TokenRefused("invalid_request", "client_id is not the one of HTTP Basic")
    return client_id, unquote_plus(secret)


def _granted(client: ApiClient, requested: str | None, *, for_user: bool) -> list[str]:
    allowed = [scope for scope in client.scopes if not (for_user and scope == ACT_AS)]
    if requested is not None:
        wanted = set(requested.split())
    else:
        wanted = set(allowed).intersection(OF_A_USER) if for_user else set(allowed)
    if not wanted:
        raise TokenRefused("invalid_scope", "name scopes that the client may have, in scope")
    if refused := sorted(wanted.difference(allowed)):
        raise TokenRefused("invalid_scope", _not_granted(refused[0]))
    return [scope for scope in allowed if scope in wanted]


def _not_granted(scope: str) -> str:
    told = scope if _LIKE_A_SCOPE.fullmatch(scope) else "a scope asked for"
    return f"the client may not have {told}; scopes are parted by blanks"


def _subject(client: ApiClient, user_id: str | None) -> str:
    if user_id is None:
        return str(client.client_id)
    if ACT_AS not in client.scopes:
        raise TokenRefused("unauthorized_client", f"user_id needs the scope {ACT_AS}")
    if not fits(user_id, CALLERS_ID) or is_id(user_id):
        # 24 hex digits would be an API client, whose orders are not its users'.
        raise TokenRefused(
            "invalid_request",
            f"user_id {CALLERS_ID['description']}, and not 24 hex digits alone:"
            " put something before them, as in user-507f1f77bcf86cd799439011",
        )
    return user_id
