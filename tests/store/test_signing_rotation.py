"""The signing key is replaced as docs/operations.md says, and no token is refused meanwhile."""

import json
import re
from datetime import timedelta
from itertools import product

import moto.kms.models
import pytest

from cardvault.aws import boto_clients, tables
from cardvault.identity import clients
from cardvault.identity.clients import ApiClient
from cardvault.identity.signing import SigningKey
from cardvault.identity.tokens import IssueToken
from tests.store.test_identity import ask, decoded
from tests.support.apps import load_app
from tests.support.functions import LambdaContext
from tests.support.template import ROOT

PAGE = (ROOT / "docs/operations.md").read_text()
ROW = re.compile(r"^\| (?:before|\d) \| (\w+) \| (\w+) \|", re.MULTILINE)
STEPS = ROW.findall(PAGE.partition("### The key that signs tokens")[2])
ISSUER = "https://issuer.test"
KEYS = {"rawPath": "/.well-known/jwks.json"}


@pytest.fixture
def arns(cloud):
    tables.use(cloud.settings, ApiClient)
    moto.kms.models.generate_private_key.cache_clear()  # else all keys of moto are one
    made = boto_clients.kms().create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    return {"OLD": cloud.settings.signing_key_arn, "NEW": made["KeyMetadata"]["Arn"], "empty": ""}


def published(monkeypatch, signing, other):
    """The ids of the keys that publish_keys answers with those parameters."""
    environment = {
        "SIGNING_KEY_ARN": signing,
        "PUBLISHED_KEY_ARN": other,
        "TOKEN_ISSUER": ISSUER,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    answer = load_app("publish_keys").handler(KEYS, LambdaContext())
    return [key["kid"] for key in json.loads(answer["body"])["keys"]]


def test_the_runbook_replaces_the_key():
    assert (STEPS[0], STEPS[-1]) == (("OLD", "empty"), ("NEW", "empty"))


def test_a_token_of_each_step_is_known_before_and_after_the_next_deployment(
    arns, monkeypatch, clock
):
    made = clients.create("shop", ["orders:read"], clock=clock)
    signed_by, known = [], []
    for signing, other in STEPS:
        key = SigningKey.read(boto_clients.kms(), arns[signing])
        issue = IssueToken(key, ISSUER, "cardvault", timedelta(minutes=15), clock)
        header = ask(issue, made)["access_token"].partition(".")[0]
        signed_by.append(json.loads(decoded(header))["kid"])
        known.append(published(monkeypatch, arns[signing], arns[other]))
    # Functions are not replaced in one moment, and API Gateway keeps the keys of the step before.
    together = [(a, b) for a, b in product(range(len(STEPS)), repeat=2) if abs(a - b) <= 1]
    assert all(signed_by[token] in known[keys] for token, keys in together)
    assert [len(keys) for keys in known] == [1, 2, 2, 1]
    assert signed_by[0] not in known[-1]
