"""The HTTP API's JWT authorizer: how it reads the issuer's keys, and tokens without an end."""

import asyncio
import json
import os
import time
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from ministack.services import apigateway

KEYS_ARE_KEPT_S = 7200.0
"""As on AWS: keys are cached for two hours."""
FETCH_TIMEOUT_S = float(os.environ.get("EMULATOR_ISSUER_TIMEOUT_S", "1.5"))
"""As on AWS, for each of the two documents, when an authorizer is made and when a token comes.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"""

_documents: dict[str, tuple[float, dict[str, Any]]] = {}
_fetching: dict[str, asyncio.Lock] = {}


def fill_gaps() -> None:
    """Fetch the issuer's documents once, remember only good ones, refuse endless tokens."""
    apigateway._fetch_oidc_jwks_uri = keys_address
    apigateway._fetch_jwks = keys
    _refuse_tokens_without_end()


def expect_answers(issuer: str) -> None:
    """Fill a gap: an authorizer is made whatever its issuer; AWS reads both documents first.

    What was read is kept, as there. Raises ValueError in AWS's words.
    """
    address = _configuration_address(issuer)
    try:
        for must_have in ("jwks_uri", "keys"):
            with urllib.request.urlopen(address, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310
                document = _remember(address, answer.read(), must_have)
            address = str(document.get("jwks_uri"))
    except (OSError, ValueError) as error:
        message = (
            f"Caught exception when connecting to {address} for issuer {issuer}. "
            f"Please try again later. Error: {error}. Invalid issuer: {issuer}"
        )
        raise ValueError(message) from None


def _configuration_address(issuer: str) -> str:
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


async def keys_address(issuer: str) -> str | None:
    """Fill a gap: a failed discovery is remembered for a minute, so early calls stay refused."""
    try:
        document = await _document(_configuration_address(issuer), "jwks_uri")
    except (OSError, ValueError):
        return None
    return str(document["jwks_uri"])


async def keys(address: str) -> dict[str, Any]:
    """Fill a gap: an answer without keys is remembered for two hours."""
    return await _document(address, "keys")


async def _document(address: str, must_have: str) -> dict[str, Any]:
    """Fetch a document off the event loop, once for however many requests are waiting for it."""
    if urlsplit(address).scheme not in {"http", "https"}:
        message = f"not an issuer's address: {address}"
        raise ValueError(message)
    async with _fetching.setdefault(address, asyncio.Lock()):
        expires_at, document = _documents.get(address, (0.0, {}))
        if expires_at > time.monotonic():
            return document
        _, _, body = await apigateway._urlopen_async(address, FETCH_TIMEOUT_S)
        return _remember(address, body, must_have)


def _remember(address: str, body: bytes, must_have: str) -> dict[str, Any]:
    document = dict(json.loads(body))
    if not document.get(must_have):
        message = f"{address} has no {must_have}"
        raise ValueError(message)
    _documents[address] = (time.monotonic() + KEYS_ARE_KEPT_S, document)
    return document


def _refuse_tokens_without_end() -> None:
    """Fill a gap: a token without `exp` is accepted; AWS requires the claim."""
    validate = apigateway._validate_jwt_authorizer

    async def validate_with_end(*arguments: Any) -> Any:
        claims, scopes, refusal = await validate(*arguments)
        if refusal is None and "exp" not in claims:
            return None, None, apigateway._jwt_unauthorized()
        return claims, scopes, refusal

    apigateway._validate_jwt_authorizer = validate_with_end
