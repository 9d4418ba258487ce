"""The published vectors of links, API clients and the signing key."""

import base64
import json
from unittest.mock import Mock

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardvault.claims.claim import session_for
from cardvault.claims.proof import hash_code
from cardvault.identity.signing import SigningKey
from cardvault.links import hash_token
from tests.support import by_hand
from tests.support.template import ROOT

PUBLISHED = json.loads((ROOT / "tests/vectors/access_v1.json").read_text())


@pytest.mark.parametrize("vector", PUBLISHED["tokens"], ids=lambda vector: vector["token"])
def test_a_token_is_kept_as_its_sha_256(vector):
    assert by_hand.sha256(vector["token"]) == vector["tokenHash"]
    assert hash_token(vector["token"]) == vector["tokenHash"]


@pytest.mark.parametrize("vector", PUBLISHED["codes"], ids=lambda vector: vector["code"])
def test_a_one_time_code_is_kept_under_its_token(vector):
    assert bytes.fromhex(vector["message"]) == b"code " + vector["code"].encode()
    kept = bytes.fromhex(vector["codeHash"])
    assert by_hand.one_time_code_hash(vector["token"], vector["code"]) == kept
    assert hash_code(vector["token"], vector["code"]) == kept


@pytest.mark.parametrize(
    "vector", PUBLISHED["claimSessions"], ids=lambda vector: vector["idempotencyKey"]
)
def test_a_session_follows_from_token_and_key(vector):
    token, key = vector["token"], vector["idempotencyKey"]
    assert bytes.fromhex(vector["message"]) == b"session " + key.encode()
    assert by_hand.claim_session(token, key) == vector["session"]
    assert by_hand.sha256(vector["session"]) == vector["sessionHash"]
    assert session_for(token, key) == vector["session"]


@pytest.mark.parametrize(
    "vector", PUBLISHED["downloadSessions"], ids=lambda vector: vector["repeatKey"]
)
def test_a_repeat_of_a_download_is_known_by_token_and_key(vector):
    session = by_hand.download_session(vector["token"], vector["repeatKey"])
    assert session == vector["sessionHash"]


@pytest.mark.parametrize(
    "vector", PUBLISHED["clientSecrets"], ids=lambda vector: vector["secretHash"]
)
def test_a_client_secret_is_kept_as_its_sha_256(vector):
    assert by_hand.sha256(vector["secret"]) == vector["secretHash"]


@pytest.mark.parametrize("vector", PUBLISHED["signingKeys"], ids=lambda vector: vector["kid"])
def test_a_signing_key_is_named_by_its_thumbprint(vector):
    modulus = int.from_bytes(base64.urlsafe_b64decode(vector["n"] + "=="), "big")
    public = RSAPublicNumbers(65537, modulus).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    kms = Mock(get_public_key=Mock(return_value={"PublicKey": der}))
    jwk = SigningKey.read(kms, "arn:of:a:key").jwk
    assert (jwk["n"], jwk["e"], jwk["kid"]) == (vector["n"], vector["e"], vector["kid"])
