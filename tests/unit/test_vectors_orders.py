"""The published vectors of orders and their trail, worked out by hand and held against our code."""

import hashlib
import json
import secrets
from datetime import datetime

import pytest

from cardvault.audit.trail import AuditRecord
from cardvault.core.cards import Card
from cardvault.core.clock import from_text, to_text
from cardvault.core.hash_chain import Break, Head
from cardvault.core.ids import is_id, new_id
from cardvault.fulfilment.create import NewOrder
from cardvault.fulfilment.uniqueness import idempotency_record_key, supplier_order_key
from cardvault.mail.suppression import suppression
from cardvault.orders.recipient import Recipient, hash_passcode, passcode_fits
from cardvault.orders.records import OrderRecord, owner_key
from cardvault.sealing.data_keys import KeyBinding
from cardvault.sealing.pages import Layout, open_page, seal_pages
from cardvault.sealing.sealed_card import CardKey
from cardvault.sealing.store import page_key
from tests.support import by_hand
from tests.support.chaining import first_break
from tests.support.doubles import caller
from tests.support.dynamodb_json import as_item
from tests.support.template import ROOT

PUBLISHED = json.loads((ROOT / "tests/vectors/orders_v1.json").read_text())
SECOND = json.loads((ROOT / "tests/vectors/orders_v2.json").read_text())
EVENTS = PUBLISHED["auditTrail"]["events"]


def named(vector):
    return vector["name"]


def seen(vector):
    return vector["fields"]["event"]


# --- what the formats say -------------------------------------------------------------------------


@pytest.mark.parametrize("vector", PUBLISHED["idempotencyKeys"], ids=lambda vector: vector["text"])
def test_an_idempotency_key_is_stored_as_the_format_says(vector):
    owned = [vector["tenantId"], vector["userId"], vector["key"]]
    assert json.dumps(owned) == vector["text"]
    assert by_hand.order_idempotency_key(*owned) == vector["stored"]


@pytest.mark.parametrize("vector", PUBLISHED["requestHashes"], ids=named)
def test_a_request_is_hashed_as_the_format_says(vector):
    salt = hashlib.sha256(vector["idempotencyKey"].encode()).hexdigest()
    assert salt == vector["salt"]
    assert by_hand.order_text(vector["body"], vector["idempotencyKey"]) == vector["text"]
    assert by_hand.sha256(vector["text"]) == vector["hash"]


@pytest.mark.parametrize("vector", PUBLISHED["passcodes"], ids=lambda vector: vector["salt"])
def test_a_passcode_is_kept_as_the_format_says(vector):
    kept = by_hand.passcode_hash(vector["passcode"], bytes.fromhex(vector["salt"]))
    assert kept.hex() == vector["hash"]


@pytest.mark.parametrize("vector", SECOND["passcodes"], ids=lambda vector: vector["salt"])
def test_a_passcode_of_version_2_is_kept_as_the_format_says(vector):
    kept = by_hand.passcode_hash(vector["passcode"], bytes.fromhex(vector["salt"]), 2)
    assert kept.hex() == vector["hash"]


@pytest.mark.parametrize("vector", SECOND["requestHashes"], ids=named)
def test_a_request_of_version_2_is_hashed_as_the_format_says(vector):
    assert by_hand.order_text(vector["body"], vector["idempotencyKey"], 2) == vector["text"]
    assert by_hand.sha256(vector["text"]) == vector["hash"]


@pytest.mark.parametrize("vector", PUBLISHED["addresses"], ids=lambda vector: vector["address"])
def test_an_address_is_kept_as_the_format_says(vector):
    assert json.dumps([vector["tenantId"], vector["address"].lower()]) == vector["text"]
    assert by_hand.address_key(vector["tenantId"], vector["address"]) == vector["stored"]


@pytest.mark.parametrize("vector", PUBLISHED["cardFingerprints"], ids=named)
def test_cards_are_fingerprinted_as_the_format_says(vector):
    cards = [tuple(card) for card in vector["cards"]]
    texts = sorted(by_hand.card_text(*card) for card in cards)
    message = vector["orderId"].encode() + by_hand.lengthened(*texts)
    assert message.hex() == vector["message"]
    secret = PUBLISHED["secrets"]["fingerprint"]
    assert by_hand.cards_fingerprint(secret, vector["orderId"], cards).hex() == vector["mac"]


@pytest.mark.parametrize("vector", PUBLISHED["pages"]["examples"])
def test_a_page_is_what_the_format_says(vector):
    key, _ = by_hand.order_keys(bytes.fromhex(vector["dataKey"]))
    cards, nonces = vector["cards"], map(bytes.fromhex, vector["nonces"])
    aads = [
        by_hand.card_aad(vector["tenantId"], vector["orderId"], number, len(cards))
        for number in range(1, len(cards) + 1)
    ]
    sealed = [
        by_hand.box(key, nonce, by_hand.card_text(*card), aad)
        for nonce, card, aad in zip(nonces, cards, aads, strict=True)
    ]
    assert [one.hex() for one in sealed] == vector["sealed"]
    assert by_hand.lengthened(*sealed, size=2).hex() == vector["page"]


@pytest.mark.parametrize("vector", EVENTS, ids=seen)
def test_an_event_is_hashed_as_the_format_says(vector):
    assert by_hand.canonical(vector["fields"]) == vector["canonical"]
    assert by_hand.sha256(vector["canonical"]) == vector["hash"] == vector["fields"]["hash"]


def test_the_published_trail_is_a_chain_with_every_field():
    fields = [vector["fields"] for vector in EVENTS]
    previous = [by_hand.FIRST_PREVIOUS_HASH, *(event["hash"] for event in fields[:-1])]
    assert [event["previousHash"] for event in fields] == previous
    assert [event["seq"] for event in fields] == list(range(1, len(fields) + 1))
    stored_names = {item.attr_name for item in AuditRecord.get_attributes().values()}
    assert set().union(*fields) == stored_names


# --- what our code does ---------------------------------------------------------------------------


@pytest.mark.parametrize("vector", PUBLISHED["ids"]["examples"], ids=lambda vector: vector["id"])
def test_our_code_makes_the_published_ids(vector, monkeypatch):
    monkeypatch.setattr(secrets, "token_hex", lambda length: vector["random"][: 2 * length])
    assert new_id(datetime.fromisoformat(vector["time"])) == vector["id"]
    assert is_id(vector["id"])


@pytest.mark.parametrize("vector", PUBLISHED["times"], ids=lambda vector: vector["given"])
def test_our_code_writes_the_published_times(vector):
    assert to_text(from_text(vector["given"])) == vector["text"]


@pytest.mark.parametrize("vector", PUBLISHED["owners"], ids=lambda vector: vector["userId"])
def test_our_code_makes_the_published_owners(vector):
    assert owner_key(vector["tenantId"], vector["userId"]) == vector["owner"]


@pytest.mark.parametrize("vector", PUBLISHED["idempotencyKeys"], ids=lambda vector: vector["text"])
def test_our_code_stores_the_published_idempotency_keys(vector):
    by = caller(vector["userId"], vector["tenantId"])
    assert idempotency_record_key(by, vector["key"]) == vector["stored"]


@pytest.mark.parametrize("vector", PUBLISHED["requestHashes"], ids=named)
def test_our_code_knows_the_published_requests_of_former_releases(vector):
    order = NewOrder.parse(vector["body"])
    assert order.fingerprint(bytes.fromhex(vector["salt"]), former=True) == vector["hash"]


@pytest.mark.parametrize("vector", SECOND["requestHashes"], ids=named)
def test_our_code_hashes_the_published_requests(vector):
    order = NewOrder.parse(vector["body"])
    assert order.fingerprint(bytes.fromhex(vector["salt"])) == vector["hash"]


@pytest.mark.parametrize("vector", PUBLISHED["passcodes"], ids=lambda vector: vector["salt"])
def test_our_code_knows_the_published_passcodes_of_former_releases(vector):
    kept = bytes.fromhex(vector["hash"])
    assert passcode_fits(vector["passcode"], kept)
    assert not passcode_fits(vector["passcode"] + "1", kept)


@pytest.mark.parametrize("vector", SECOND["passcodes"], ids=lambda vector: vector["salt"])
def test_our_code_keeps_the_published_passcodes(vector, monkeypatch):
    salt, kept = bytes.fromhex(vector["salt"]), bytes.fromhex(vector["hash"])
    assert hash_passcode(vector["passcode"], salt) == kept
    assert passcode_fits(vector["passcode"], kept)
    assert not passcode_fits(vector["passcode"] + "1", kept)
    monkeypatch.setattr(secrets, "token_bytes", lambda length: salt[:length])
    recipient = Recipient("ada@example.com", protection="passcode", passcode=vector["passcode"])
    assert recipient.attributes()["passcode_hash"] == kept


@pytest.mark.parametrize("vector", PUBLISHED["supplierOrders"])
def test_our_code_stores_the_published_supplier_orders(vector):
    assert supplier_order_key(vector["supplierOrderId"]) == vector["stored"]


@pytest.mark.parametrize("vector", PUBLISHED["addresses"], ids=lambda vector: vector["address"])
def test_our_code_stores_the_published_addresses(vector):
    assert suppression(vector["tenantId"], vector["address"]).key == vector["stored"]


@pytest.mark.parametrize("vector", PUBLISHED["accessHashes"], ids=lambda vector: vector["userId"])
def test_our_code_makes_the_published_access_hashes(vector):
    kept = vector["passcodeHash"] and bytes.fromhex(vector["passcodeHash"])
    order = OrderRecord(
        user_id=vector["userId"], protection=vector["protection"], passcode_hash=kept
    )
    assert order.access_hash == by_hand.sha256(vector["canonical"]) == vector["hash"]


@pytest.mark.parametrize("vector", PUBLISHED["encryptionContexts"])
def test_our_code_makes_the_published_encryption_contexts(vector):
    binding = KeyBinding(vector["tenantId"], vector["orderId"], vector.get("accessHash"))
    assert binding.encryption_context == vector["context"]


@pytest.mark.parametrize("vector", PUBLISHED["pages"]["sortKeys"], ids=lambda vector: vector["sk"])
def test_our_code_makes_the_published_page_keys(vector):
    assert page_key(vector["page"]) == vector["sk"]


@pytest.mark.parametrize("vector", PUBLISHED["pages"]["examples"])
def test_our_code_opens_and_seals_the_published_pages(vector, monkeypatch):
    key = CardKey.derive(bytes.fromhex(vector["dataKey"]))
    place = vector["tenantId"], vector["orderId"]
    cards = [Card(*card) for card in vector["cards"]]
    page = bytes.fromhex(vector["page"])
    assert open_page(key, *place, Layout(len(cards)), 0, page) == list(enumerate(cards, 1))
    nonces = bytes.fromhex("".join(vector["nonces"]))
    monkeypatch.setattr(secrets, "token_bytes", lambda length: nonces[:length])
    assert [one.hex() for one in seal_pages(key, *place, cards).pages] == [vector["page"]]


@pytest.mark.parametrize("vector", EVENTS, ids=seen)
def test_our_code_hashes_the_published_events(vector):
    event = AuditRecord.from_raw_data(as_item(vector["fields"]))
    assert event.computed_hash() == vector["hash"]
    assert event.fields() == vector["fields"]


def test_our_code_verifies_the_published_trail():
    events = [AuditRecord.from_raw_data(as_item(vector["fields"])) for vector in EVENTS]
    assert first_break(events, Head(len(EVENTS), EVENTS[-1]["hash"])) is None
    events[3].reason = "another"
    found = first_break(events, Head(len(EVENTS), EVENTS[-1]["hash"]))
    assert found == Break(4, "altered")
