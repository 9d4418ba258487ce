"""Whether an issuer answers as API Gateway wants it to when it makes a JWT authorizer.

API Gateway reads both documents then, gives each 1.5 s and refuses the authorizer if one does not
come; an API that was made a moment ago, or a snapshot that was never restored, may be slower.
Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html ("Issuer
URL retrieval"), OpenID Connect Discovery 1.0 section 4.3.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from cardvault.errors import IssuerNotReady
from cardvault.http.outgoing import Bounds, UnboundedAnswer
from cardvault.identity.discovery import CONFIGURATION_PATH

GOOD_ANSWERS = 3
ANSWER_WITHIN_S = 1.0
"""Well below the 1.5 s that API Gateway gives."""
PAUSE_S = 2.0
LARGEST_DOCUMENT = 50_000


class _Fault(Exception):
    """What is wrong with an answer."""


@dataclass(frozen=True, slots=True)
class AwaitIssuer:
    """Asks an issuer for both documents until they are good, three times in a row."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=requests.Session)

    def __call__(self, issuer: str, timeout_s: float) -> None:
        """Return once it answers well. Raises IssuerNotReady with the last fault."""
        give_up_at = self.monotonic() + timeout_s
        good = 0
        while good < GOOD_ANSWERS:
            try:
                self._ask(issuer)
                good += 1
            except _Fault as fault:
                good = 0
                if self.monotonic() + PAUSE_S > give_up_at:
                    raise IssuerNotReady(f"the issuer {issuer} is not ready: {fault}") from None
                self.sleep(PAUSE_S)

    def _ask(self, issuer: str) -> None:
        configuration = self._document(issuer + CONFIGURATION_PATH)
        if configuration.get("issuer") != issuer:
            raise _Fault(f"{issuer}{CONFIGURATION_PATH} names another issuer")
        address = str(configuration.get("jwks_uri"))
        keys = self._document(address).get("keys")
        listed = keys if isinstance(keys, list) else []
        if not any(isinstance(key, dict) and key.get("kty") == "RSA" for key in listed):
            raise _Fault(f"{address} has no RSA key")

    def _document(self, address: str) -> dict[str, Any]:
        bounds = Bounds(LARGEST_DOCUMENT, ANSWER_WITHIN_S, self.monotonic)
        try:
            answer = bounds.ask(self.session, "GET", address, timeout=ANSWER_WITHIN_S)
        except UnboundedAnswer as error:
            raise _Fault(f"GET {address} {error}") from None
        except requests.RequestException as error:
            raise _Fault(f"GET {address}: {type(error).__name__}") from None
        if answer.status_code != 200:
            raise _Fault(f"GET {address} answered {answer.status_code}")
        document = answer.json()
        if not isinstance(document, dict):
            raise _Fault(f"GET {address} answered no JSON object")
        return document
