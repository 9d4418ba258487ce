"""The published vectors that only a use case brings about, with tables under it."""

import json
import secrets
from datetime import UTC, datetime

import pytest

from cardvault.core.cards import Card
from cardvault.core.clock import from_text
from cardvault.fulfilment import create
from cardvault.giftcards.security.guard import Asker, CodeGuard
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from tests.support.doubles import caller
from tests.support.dynamodb_json import as_fields
from tests.support.giftcards import GiftShop
from tests.support.given_secret import given_secret
from tests.support.stored_items import scan
from tests.support.template import ROOT

GIFT_CARDS, ORDERS = (
    json.loads((ROOT / f"tests/vectors/{name}_v1.json").read_text())
    for name in ("gift_cards", "orders")
)


@pytest.fixture
def shop(cloud, clock):
    return GiftShop.open(cloud.settings, clock)


@pytest.fixture
def guard(shop, clock):
    numbers = NumberVault(given_secret(GIFT_CARDS["secrets"]["cardNumber"]))
    codes = CodeVault(given_secret(GIFT_CARDS["secrets"]["securityCode"]))
    return CodeGuard(numbers, codes, clock)


def guard_keys():
    return {as_fields(item)["guardKey"] for item in scan("GiftGuardsTable")}


def test_callers_are_counted_under_the_published_keys(guard, clock):
    for vector in GIFT_CARDS["callers"]:
        clock.now = datetime.fromtimestamp(vector["minute"] * 60, UTC)
        guard.check_rate_of_address(vector["ipAddress"] or None)
    assert guard_keys() == {vector["guardKey"] for vector in GIFT_CARDS["callers"]}


def test_i6_unknown_numbers_are_counted_under_the_published_keys(guard):
    for vector in GIFT_CARDS["cardNumbers"]:
        number = vector["cardNumber"]
        assert not guard.admits(number, "000000", None, "198.51.100.1", Asker.ANYONE)
    names = ("guardKey", "shadowKey")
    assert guard_keys() == {vector[name] for vector in GIFT_CARDS["cardNumbers"] for name in names}


@pytest.mark.parametrize("vector", GIFT_CARDS["entryIds"]["examples"])
def test_an_entry_has_the_published_id(shop, clock, monkeypatch, vector):
    clock.now = from_text(vector["time"])
    card = shop.active("100.00")
    for _ in range(vector["seq"] - 3):
        shop.redeem(card["id"], "0.01")
    monkeypatch.setattr(secrets, "token_hex", lambda length: vector["random"][: 2 * length])
    assert shop.redeem(card["id"], "0.01")["transactionId"] == vector["id"]


@pytest.mark.parametrize("vector", ORDERS["cardFingerprints"], ids=lambda vector: vector["name"])
def test_stored_cards_have_the_published_fingerprint(steps, monkeypatch, vector):
    secret = json.dumps({"key": ORDERS["secrets"]["fingerprint"]})
    manager = steps.cloud.client("secretsmanager")
    manager.put_secret_value(SecretId="fingerprint", SecretString=secret)
    monkeypatch.setattr(create, "new_id", lambda _: vector["orderId"])
    cards = tuple(Card(*card) for card in vector["cards"])
    steps.create(by=caller(), quantity=len(cards))
    steps.supplier.placing.append("S-1")
    steps.supplier.has("S-1", quantity=len(cards), cards=cards)
    steps.place(vector["orderId"])
    steps.store(vector["orderId"])
    (kept,) = (as_fields(item) for item in scan("DataKeysTable"))
    assert kept["fingerprint"].hex() == vector["mac"]
