"""The HTTP API's JWT authorizer: how it reads the issuer's keys, and tokens without an end."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

from ministack.services import apigateway

KEYS_ARE_KEPT_S = 7200.0
"""As on AWS: keys are cached for two hours."""
FETCH_TIMEOUT_S = 20.0
"""The issuer may be a function of this same emulator that has to start first."""

_documents: dict[str, tuple[float, dict[str, Any]]] = {}
_fetching: dict[str, asyncio.Lock] = {}


def fill_gaps() -> None:
    """Fetch the issuer's documents once, remember only good ones, refuse endless tokens."""
    apigateway._fetch_oidc_jwks_uri = keys_address
    apigateway._fetch_jwks = keys
    _refuse_tokens_without_end()


async def keys_address(issuer: str) -> str | None:
    """Fill a gap: a failed discovery is remembered for a minute, so early calls stay refused."""
    try:
        document = await _document(
            f"{issuer.rstrip('/')}/.well-known/openid-configuration", "jwks_uri"
        )
    except (OSError, ValueError):
        return None
    return str(document["jwks_uri"])


async def keys(address: str) -> dict[str, Any]:
    """Fill a gap: an answer without keys is remembered for two hours."""
    return await _document(address, "keys")


async def _document(address: str, must_have: str) -> dict[str, Any]:
    """Fetch a document off the event loop, once for however many requests are waiting for it.

    The emulator gives a fetch five seconds. That is too short when the issuer is itself a
    function here: it is started by this very request, while others start beside it.
    """
    if urlsplit(address).scheme not in {"http", "https"}:
        message = f"not an issuer's address: {address}"
        raise ValueError(message)
    async with _fetching.setdefault(address, asyncio.Lock()):
        expires_at, document = _documents.get(address, (0.0, {}))
        if expires_at > time.monotonic():
            return document
        _, _, body = await apigateway._urlopen_async(address, FETCH_TIMEOUT_S)
        document = dict(json.loads(body))
        if not document.get(must_have):
            message = f"{address} has no {must_have}"
            raise ValueError(message)
        _documents[address] = (time.monotonic() + KEYS_ARE_KEPT_S, document)
        return document


def _refuse_tokens_without_end() -> None:
    """Fill row 16: a token without `exp` is accepted; AWS requires the claim."""
    validate = apigateway._validate_jwt_authorizer

    async def validate_with_end(*arguments: Any) -> Any:
        claims, scopes, refusal = await validate(*arguments)
        if refusal is None and "exp" not in claims:
            return None, None, apigateway._jwt_unauthorized()
        return claims, scopes, refusal

    apigateway._validate_jwt_authorizer = validate_with_end
