"""What the issuer publishes, for API Gateway's JWT authorizer and anyone who checks a token.

Source: OpenID Connect Discovery 1.0, section 3; RFC 8414, section 3, for clients that know OAuth
alone; RFC 7517 for the key set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CONFIGURATION_PATH = "/.well-known/openid-configuration"
METADATA_PATH = "/.well-known/oauth-authorization-server"
KEYS_PATH = "/.well-known/jwks.json"


@dataclass(frozen=True, slots=True)
class Discovery:
    """The documents of one issuer, by path.

    `jwks` are the public keys: of the key that signs, and while keys change also of the next or
    the one before.
    """

    jwks: Sequence[dict[str, str]]
    issuer: str

    def document(self, path: str) -> dict[str, Any] | None:
        """The document at that path, None if there is none. A stage may stand before the path."""
        if path.endswith(KEYS_PATH):
            return {"keys": list(self.jwks)}
        if path.endswith((CONFIGURATION_PATH, METADATA_PATH)):
            return {
                "issuer": self.issuer,
                "jwks_uri": self.issuer + KEYS_PATH,
                "token_endpoint": f"{self.issuer}/v2/token",
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                ],
            }
        return None
