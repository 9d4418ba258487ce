"""Signing with a KMS asymmetric key: the private half never leaves KMS.

RS256, since API Gateway's JWT authorizers take RSA only.
Sources: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7638 (thumbprint as key id).
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


@dataclass
class SigningKey:
    """One RSA key in KMS. The public half is read once, when first needed."""

    kms: "KMSClient"
    key_arn: str

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key."""
        public = load_der_public_key(self.kms.get_public_key(KeyId=self.key_arn)["PublicKey"])
        if not isinstance(public, RSAPublicKey):
            raise TypeError("the signing key must be RSA")
        numbers = public.public_numbers()
        required = {"e": _integer(numbers.e), "kty": "RSA", "n": _integer(numbers.n)}
        canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
        key_id = encoded(hashlib.sha256(canonical.encode()).digest())
        return {**required, "use": "sig", "alg": "RS256", "kid": key_id}

    def sign(self, claims: dict[str, Any]) -> str:
        """The claims as a signed JWT, by one KMS Sign."""
        header = {"alg": "RS256", "typ": "JWT", "kid": self.jwk["kid"]}
        signed = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
        answer = self.kms.sign(
            KeyId=self.key_arn,
            Message=signed.encode(),
            MessageType="RAW",
            SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
        )
        return f"{signed}.{encoded(answer['Signature'])}"


def encoded(data: bytes) -> str:
    """Base64url without padding, as JOSE wants it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer(number: int) -> str:
    return encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
