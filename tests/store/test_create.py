"""I3: an Idempotency-Key belongs to one order for ever."""

import hashlib
import json
from datetime import timedelta
from functools import partial

import pytest

from cardvault.audit import trail
from cardvault.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    MailNotSetUp,
    OrderNotFound,
    SupplierOrderTaken,
)
from cardvault.fulfilment import create
from cardvault.fulfilment.create import CreateOrder, NewOrder
from cardvault.orders import recipient, store, views
from tests.support.chaining import verified
from tests.support.doubles import START, caller

ELSEWHERE = "5f" + "0" * 22  # bought in 2020, as its time says


def test_the_same_key_and_body_is_the_same_order(steps):
    first, again = steps.create(), steps.create()
    assert again.order_id == first.order_id
    assert steps.started == [first.order_id] * 2, "a repeat starts what a crash kept from starting"


def test_the_same_key_with_another_body_is_refused(steps):
    steps.create(quantity=3)
    with pytest.raises(IdempotencyKeyReused):
        steps.create(quantity=4)


DISPLAY = {
    "title": "Arcade card 25 €",
    "instructions": "Open the app.\nEnter the code.",
    "redeemUrl": "https://arcade.example/redeem?lang=en",
}


def test_an_order_keeps_what_the_shop_says_of_its_cards(steps):
    order = steps.create(display=DISPLAY)
    shown = views.view(store.find(order.order_id))
    assert {name: shown[name] for name in DISPLAY} == DISPLAY
    assert steps.create(display=DISPLAY).order_id == order.order_id
    with pytest.raises(IdempotencyKeyReused):
        steps.create(display={**DISPLAY, "title": "Arcade card 50 €"})
    assert verified(order.order_id) is None


def test_an_order_without_a_display_has_the_fingerprint_of_former_releases():
    plain = NewOrder("P1", "T1", 1)
    content = {name: getattr(plain, name) for name in NewOrder.__slots__ if name != "display"}
    expected = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    assert plain.fingerprint(b"") == expected


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"title": ""}, "display.title"),
        ({"title": "see www.example.com"}, "display.title"),
        ({"title": "x" * 81}, "display.title"),
        ({"instructions": "x" * 1001}, "display.instructions"),
        ({"instructions": "a\x00b"}, "display.instructions"),
        ({"redeemUrl": "http://arcade.example"}, "display.redeemUrl"),
        ({"redeemUrl": "https://arcade"}, "display.redeemUrl"),
        ({"redeemUrl": "https://203.0.113.9/x"}, "display.redeemUrl"),
        ({"redeemUrl": "https://shop.example@evil.example/"}, "display.redeemUrl"),
        ({"redeemUrl": "https://arcade.example:8443/"}, "display.redeemUrl"),
        ({"redeemUrl": "javascript:alert(1)"}, "display.redeemUrl"),
        ({"redeemUrl": 'https://arcade.example/"><b>'}, "display.redeemUrl"),
        ({"redeemUrl": "https://arcade.example/" + "x" * 500}, "display.redeemUrl"),
    ],
)
def test_what_a_display_may_not_be_is_refused_by_name(wrong, named):
    bought = {"productId": "P1", "typeId": "T1", "quantity": 1}
    with pytest.raises(InvalidRequest, match=f"^{named} "):
        NewOrder.parse({**bought, "display": {**DISPLAY, **wrong}})
    with pytest.raises(InvalidRequest, match=r"^display\.title is required$"):
        NewOrder.parse({**bought, "display": {"instructions": "x"}})


@pytest.mark.parametrize("passcode_too", [True, False])
def test_i3_a_repeat_of_an_order_of_a_former_release_is_a_repeat(steps, monkeypatch, passcode_too):
    delivery = {"email": "ada@example.com", "protection": "passcode", "passcode": "river-stone"}
    with monkeypatch.context() as former:
        hashed = partial(recipient.hash_passcode, former=passcode_too)
        former.setattr(create, "_request_hash", lambda fingerprint, _: fingerprint)
        former.setattr(create, "hash_passcode", lambda passcode, salt, **_: hashed(passcode, salt))
        first = steps.create(delivery=delivery)
    assert steps.create(delivery=delivery).order_id == first.order_id
    with pytest.raises(IdempotencyKeyReused):
        steps.create(delivery={**delivery, "passcode": "river-stove"})


def test_keys_of_two_users_and_of_two_tenants_are_apart(steps):
    orders = {
        steps.create(by=who).order_id
        for who in (caller("alice"), caller("bob"), caller("alice", "b" * 24))
    }
    assert len(orders) == 3


@pytest.mark.parametrize("key", [None, "", " ", "a b", "k" * 129, "clé"])
def test_a_key_must_be_there_and_be_plain(steps, key):
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        steps.create(key)


def test_nothing_is_half_written_when_the_supplier_order_is_taken(steps):
    adopter = caller("alice", scopes="orders:adopt")
    adopt = {"productId": None, "typeId": None, "quantity": None, "supplierOrderId": ELSEWHERE}
    first = steps.create("key-1", adopter, **adopt)
    assert (first.status, first.supplier_order_id) == ("placed", ELSEWHERE)
    with pytest.raises(SupplierOrderTaken):
        steps.create("key-2", caller("mallory", "b" * 24, "orders:adopt"), **adopt)
    fresh = steps.create("key-2", caller("mallory", "b" * 24))
    assert fresh.status == "received", "the refused request left its key unused"


def test_adopting_needs_its_own_scope(steps):
    adopt = {"productId": None, "typeId": None, "quantity": None, "supplierOrderId": ELSEWHERE}
    with pytest.raises(Forbidden, match="orders:adopt"):
        steps.create("key-1", caller("alice"), **adopt)


@pytest.mark.parametrize(
    ("given", "said"), [("S1", "24 hex"), (f"{int(START.timestamp()):x}" + "0" * 16, "too young")]
)
def test_an_order_that_may_still_be_anothers_in_doubt_is_not_adopted(steps, given, said):
    adopt = {"productId": None, "typeId": None, "quantity": None, "supplierOrderId": given}
    with pytest.raises(InvalidRequest, match=said):
        steps.create("key-1", caller("mallory", "b" * 24, "orders:adopt"), **adopt)


def test_the_order_and_its_first_event_are_written_together(steps):
    order = steps.create()
    (event,) = trail.read_all(order.order_id)
    assert (event.event, event.user_id, event.ip_address) == (
        "ORDER_CREATED",
        "alice",
        "192.0.2.7",
    )
    assert (event.version, store.find(order.order_id).version) == (1, 1)
    assert verified(order.order_id) is None


def test_an_unknown_order_is_not_found(steps):
    with pytest.raises(OrderNotFound):
        store.find("0" * 24)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "either productId"),
        ({"productId": "P"}, "either productId"),
        ({"productId": 7, "typeId": "T", "quantity": 1}, "productId must be a text"),
        (
            {"productId": "P", "typeId": "T", "quantity": 0},
            "quantity must have a value of at least 1",
        ),
        (
            {"productId": "P", "typeId": "T", "quantity": 10_001},
            "quantity must have a value of at most",
        ),
        ({"productId": "P", "typeId": "T", "quantity": 1.5}, "quantity must be a whole number"),
        ({"productId": "P", "typeId": "T", "quantity": True}, "quantity must be a whole number"),
        ({"productId": "P\n", "typeId": "T", "quantity": 1}, "productId must be 1 to 64"),
        ({"productId": "../../x", "typeId": "T", "quantity": 1}, "productId must be 1 to 64"),
        (
            {"productId": "P", "typeId": "T", "quantity": 1, "CODE-1234": 1},
            "a field that is not known",
        ),
        (
            {"productId": "P", "typeId": "T", "quantity": 1, "supplierOrderId": "S"},
            "supplierOrderId",
        ),
    ],
)
def test_a_bad_body_is_refused_by_field_and_not_repeated(body, said):
    with pytest.raises(InvalidRequest, match=said) as refused:
        NewOrder.parse(body)
    assert "CODE-1234" not in str(refused.value)
    assert "../../x" not in str(refused.value)


DELIVERY = {"email": "ada@example.com"}


def test_without_a_sender_no_order_may_name_a_customer(steps):
    made = steps.create("key-1", delivery=DELIVERY)
    taking = CreateOrder(steps, timedelta(minutes=30), 100, steps.clock, sends_mail=False)
    wanted = {"productId": "P1", "typeId": "T1", "quantity": 3}
    with pytest.raises(MailNotSetUp):
        taking(NewOrder.parse({**wanted, "delivery": DELIVERY}), "key-2", caller())
    assert taking(NewOrder.parse(wanted), "key-2", caller()).customer_email is None
    repeated = taking(NewOrder.parse({**wanted, "delivery": DELIVERY}), "key-1", caller())
    assert repeated.order_id == made.order_id, "an order taken before is still that order"
