"""Asking the supplier what a key is good for, before it is set: GET /v3/validate.

The answer repeats the key, so nothing of it gets into an exception or a log line. It is asked once:
wrong keys bring a block of our address nearer.
"""

from enum import StrEnum
from typing import Any

import requests

from cardvault.errors import InvalidRequest, SupplierUnavailable
from cardvault.http.outgoing import Bounds

TIMEOUTS_S = (3.05, 10.0)  # to connect, and between two bytes
BOUNDS = Bounds(longest=64 * 1024, within_s=15.0)
_WRITES = "READ-WRITE"


class KeyKind(StrEnum):
    """Whether a key buys real cards. The text of a key does not tell."""

    PRODUCTION = "PRODUCTION"
    SANDBOX = "SANDBOX"


def check_key(base_url: str, access_token: str) -> KeyKind:
    """The kind of a key that can place orders.

    Raises InvalidRequest when the supplier refuses it, or it is disabled or may only read;
    SupplierUnavailable when the supplier does not say.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False  # a stray proxy or .netrc must not see the key
            answer = BOUNDS.ask(
                session,
                "GET",
                f"{base_url}/v3/validate",
                headers={"X-Access-Token": access_token},
                timeout=TIMEOUTS_S,
            )
    except requests.RequestException:
        raise SupplierUnavailable("no answer from the supplier about the key") from None
    if 400 <= answer.status_code < 500 and answer.status_code != 429:
        raise InvalidRequest("the supplier refuses this accessToken")
    return _kind_of(answer.json() if answer.status_code == 200 else None)


def _kind_of(body: Any) -> KeyKind:
    try:
        facts = body["data"]["apiKey"]
        kind, enabled, scope = KeyKind(facts["type"]), facts["isEnabled"], facts["scope"]
    except (KeyError, TypeError, ValueError):
        raise SupplierUnavailable("the supplier does not say what the key is") from None
    if enabled is not True:
        raise InvalidRequest("this accessToken is disabled")
    if scope != _WRITES:
        raise InvalidRequest("this accessToken may only read")
    return kind
