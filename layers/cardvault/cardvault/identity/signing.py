"""Signing with a KMS asymmetric key: the private half never leaves KMS.

The public half is read when the function starts, so it is in the snapshot and no request waits for
it: API Gateway gives the key set 1.5 s. It is neither random nor secret (I12).
RS256, since API Gateway's JWT authorizers take RSA only.
Sources: RFC 7515 (JWS), RFC 7517 (JWK), RFC 7638 (thumbprint as key id).
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


READ_TRIES = 15
READ_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One RSA key in KMS, with its public half as a JSON Web Key."""

    kms: "KMSClient"
    key_arn: str
    jwk: dict[str, str]

    @classmethod
    def read(
        cls, kms: "KMSClient", key_arn: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> Self:
        """The key, its public half read from KMS.

        In a first deployment the function starts seconds after its role was made, which KMS may
        not have heard of yet: a refusal is believed after half a minute. Raises ClientError,
        TypeError for a key that is not RSA.
        """
        jwk = _as_jwk(_public_key(kms, key_arn, sleep))
        kms.close()  # a snapshot would keep an open connection, and nobody at its other end
        return cls(kms, key_arn, jwk)

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


def _public_key(kms: "KMSClient", key_arn: str, sleep: Callable[[float], None]) -> bytes:
    for _ in range(READ_TRIES - 1):
        try:
            return kms.get_public_key(KeyId=key_arn)["PublicKey"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            sleep(READ_PAUSE_S)
    return kms.get_public_key(KeyId=key_arn)["PublicKey"]


def _as_jwk(public_key: bytes) -> dict[str, str]:
    public = load_der_public_key(public_key)
    if not isinstance(public, RSAPublicKey):
        raise TypeError("the signing key must be RSA")
    numbers = public.public_numbers()
    required = {"e": _integer(numbers.e), "kty": "RSA", "n": _integer(numbers.n)}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    key_id = encoded(hashlib.sha256(canonical.encode()).digest())
    return {**required, "use": "sig", "alg": "RS256", "kid": key_id}


def encoded(data: bytes) -> str:
    """Base64url without padding, as JOSE wants it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _integer(number: int) -> str:
    return encoded(number.to_bytes((number.bit_length() + 7) // 8, "big"))
