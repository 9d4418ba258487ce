"""What the supplier says of a key, asked over loopback."""

import json

import pytest

from cardvault.aws.cached_secret import CachedSecret
from cardvault.errors import InvalidRequest, SupplierUnavailable
from cardvault.http.outgoing import Answer, Bounds
from cardvault.supplier import key_check
from cardvault.supplier.client import SupplierClient
from cardvault.supplier.key_check import KeyKind, check_key
from tests.support.doubles import KeptCircuitBreaker


def test_a_key_says_whether_it_buys_real_cards(client, real_money):
    assert check_key(client.sandbox.origin, client.sandbox.key) is KeyKind.SANDBOX
    assert check_key(real_money.sandbox.origin, real_money.sandbox.key) is KeyKind.PRODUCTION


def test_a_wrong_key_is_refused_and_not_repeated(client):
    with pytest.raises(InvalidRequest, match="refuses") as refused:
        check_key(client.sandbox.origin, "wrong-key")
    assert "wrong-key" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://127.0.0.1:1/x"])
def test_a_supplier_out_of_reach_says_nothing_of_the_key(address):
    with pytest.raises(SupplierUnavailable):
        check_key(address, "key")


def facts(**changes):
    return {"type": "PRODUCTION", "isEnabled": True, "scope": "READ-WRITE", **changes}


@pytest.mark.parametrize(
    ("api_key", "error"),
    [
        (facts(isEnabled=False), InvalidRequest),
        (facts(isEnabled=None), InvalidRequest),
        (facts(scope="READ-ONLY"), InvalidRequest),
        (facts(type="OTHER"), SupplierUnavailable),
        ({}, SupplierUnavailable),
        (None, SupplierUnavailable),
    ],
)
def test_a_key_that_cannot_order_is_refused(monkeypatch, api_key, error):
    body = json.dumps({"data": {"apiKey": api_key}}).encode()
    monkeypatch.setattr(Bounds, "ask", lambda *_, **__: Answer(200, {}, body))
    with pytest.raises(error):
        check_key("https://supplier.example.com", "key")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, InvalidRequest),
        (429, SupplierUnavailable),
        (302, SupplierUnavailable),
        (503, SupplierUnavailable),
    ],
)
def test_a_status_without_facts_sets_no_key(monkeypatch, status, error):
    monkeypatch.setattr(Bounds, "ask", lambda *_, **__: Answer(status, {}, b"{}"))
    with pytest.raises(error):
        check_key("https://supplier.example.com", "key")


def test_an_endless_answer_sets_no_key(client, monkeypatch):
    monkeypatch.setattr(key_check, "BOUNDS", Bounds(longest=10, within_s=15.0))
    with pytest.raises(SupplierUnavailable):
        check_key(client.sandbox.origin, client.sandbox.key)


@pytest.mark.parametrize(
    ("kept", "real"), [({"kind": "SANDBOX"}, False), ({"kind": "PRODUCTION"}, True), ({}, True)]
)
def test_a_key_sells_real_cards_unless_it_is_known_to_be_of_the_sandbox(kept, real):
    class Secrets:
        def get_secret_value(self, **_):
            return {"SecretString": json.dumps(kept), "VersionId": "1"}

    client = SupplierClient(CachedSecret(Secrets(), "arn"), KeptCircuitBreaker())
    assert client.sells_real_cards() is real
