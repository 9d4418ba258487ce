"""The published vectors of gift cards, worked out by hand and held against our code."""

import json
import secrets
from decimal import Decimal

import pytest

from cardvault.core import decimal_json
from cardvault.errors import CannotOpen
from cardvault.giftcards.ledger.idempotency import IdempotentRequest
from cardvault.giftcards.ledger.records import (
    CardRecord,
    EntryRecord,
    EntryType,
    entry_key,
    refund_key,
)
from cardvault.giftcards.queries.verify import differences
from cardvault.giftcards.security.guard import guard_key
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from tests.support import by_hand
from tests.support.dynamodb_json import as_item
from tests.support.given_secret import given_secret
from tests.support.template import ROOT

PUBLISHED = json.loads((ROOT / "tests/vectors/gift_cards_v1.json").read_text())
SECOND = json.loads((ROOT / "tests/vectors/gift_cards_v2.json").read_text())
ROTATED = json.loads((ROOT / "tests/vectors/gift_cards_v3.json").read_text())
NUMBER_SECRET = PUBLISHED["secrets"]["cardNumber"]
CODE_SECRET = PUBLISHED["secrets"]["securityCode"]
SEALED = {vector["name"]: vector for vector in PUBLISHED["sealed"]}
REFUSED = {vector["name"]: vector for vector in PUBLISHED["refused"]}
RECORDS = {vector["name"]: vector for vector in PUBLISHED["idempotencyRecords"]}
ENTRIES = [*PUBLISHED["ledger"]["entries"], ROTATED["entry"]]

numbers = NumberVault(given_secret(NUMBER_SECRET))
codes = CodeVault(given_secret(CODE_SECRET))
rotated_numbers = NumberVault(given_secret(**ROTATED["secrets"]["cardNumber"]))
rotated_codes = CodeVault(given_secret(**ROTATED["secrets"]["securityCode"]))


def sealed_by_hand(vector, content):
    key = by_hand.gift_card_key(NUMBER_SECRET, "seal")
    aad = by_hand.gift_card_aad(vector["place"])
    return by_hand.box(key, bytes.fromhex(vector["nonce"]), content.encode(), aad).hex()


def give_nonce(monkeypatch, vector):
    nonce = bytes.fromhex(vector["nonce"])
    monkeypatch.setattr(secrets, "token_bytes", lambda length: nonce[:length])


def request_of(vector):
    body = decimal_json.loads(vector["body"])
    owner = (vector["tenantId"], vector["ownerId"])
    return IdempotentRequest(numbers, *owner, vector["action"], vector["key"], body)


# --- what the formats say -------------------------------------------------------------------------


@pytest.mark.parametrize("vector", PUBLISHED["derivedKeys"], ids=lambda vector: vector["use"])
def test_a_key_is_derived_as_the_format_says(vector):
    assert bytes.fromhex(vector["info"]) == b"cardvault gift card " + vector["use"].encode()
    secret = PUBLISHED["secrets"][vector["secret"]]
    assert by_hand.gift_card_key(secret, vector["use"]).hex() == vector["key"]


@pytest.mark.parametrize("vector", PUBLISHED["cardNumbers"], ids=lambda vector: vector["index"])
def test_a_number_is_found_as_the_format_says(vector):
    index = by_hand.number_index(NUMBER_SECRET, vector["cardNumber"])
    assert index == vector["index"]
    assert vector["uniquenessKey"] == vector["guardKey"] == f"NUMBER#{index}"
    assert by_hand.shadow_key(vector["guardKey"]) == vector["shadowKey"]


@pytest.mark.parametrize("vector", PUBLISHED["securityCodes"], ids=lambda vector: vector["mac"])
def test_a_security_code_is_kept_as_the_format_says(vector):
    message = vector["cardId"].encode() + b"\0" + vector["code"].encode()
    assert message.hex() == vector["message"]
    assert by_hand.code_mac(CODE_SECRET, vector["cardId"], vector["code"]).hex() == vector["mac"]


@pytest.mark.parametrize("vector", ROTATED["securityCodes"], ids=lambda vector: vector["name"])
def test_a_code_is_taken_from_key_to_key_as_the_format_says(vector):
    kept = by_hand.kept_code(vector["keys"], vector["cardId"], vector["code"]).hex()
    assert vector["kept"] in {kept, kept[8:]}, "former releases left the id of the key out"


@pytest.mark.parametrize("vector", ROTATED["keyIds"], ids=lambda vector: vector["id"])
def test_a_key_has_an_id_as_the_format_says(vector):
    assert by_hand.key_id(vector["key"]).hex() == vector["id"]


@pytest.mark.parametrize("vector", ROTATED["fingerprints"], ids=lambda vector: vector["former"])
def test_a_fingerprint_is_taken_to_the_next_key_as_the_format_says(vector):
    former, now = NUMBER_SECRET, ROTATED["secrets"]["cardNumber"]["key"]
    assert by_hand.content_mac(former, vector["text"]).hex() == vector["former"]
    again = by_hand.content_mac_again(now, bytes.fromhex(vector["former"]))
    assert again.hex() == vector["again"]


@pytest.mark.parametrize("vector", PUBLISHED["callers"], ids=lambda vector: vector["name"])
def test_a_caller_is_counted_as_the_format_says(vector):
    assert vector["text"] == f"caller {by_hand.network(vector['ipAddress'])}"
    assert by_hand.content_mac(NUMBER_SECRET, vector["text"]).hex() == vector["mac"]
    assert vector["guardKey"] == f"CALLER#{vector['mac'][:32]}#{vector['minute']}"
    key = by_hand.caller_key(NUMBER_SECRET, vector["ipAddress"], vector["minute"])
    assert key == vector["guardKey"]


@pytest.mark.parametrize("name", SEALED)
def test_a_sealed_text_is_what_the_format_says(name):
    vector = SEALED[name]
    assert by_hand.gift_card_aad(vector["place"]).hex() == vector["aad"]
    assert sealed_by_hand(vector, vector["content"]) == vector["sealed"]


@pytest.mark.parametrize("vector", SECOND["sealed"], ids=lambda vector: vector["name"])
def test_a_sealed_text_of_version_2_is_what_the_format_says(vector):
    place, nonce = vector["place"], bytes.fromhex(vector["nonce"])
    assert bytes.fromhex(vector["info"]) == b"cardvault gift card seal " + place.encode()
    assert by_hand.gift_card_key(NUMBER_SECRET, f"seal {place}").hex() == vector["key"]
    assert by_hand.gift_card_aad(place, b"\x02").hex() == vector["aad"]
    sealed = by_hand.sealed_for_place(NUMBER_SECRET, place, nonce, vector["content"])
    assert sealed.hex() == vector["sealed"]


def test_no_two_places_have_one_key():
    assert SECOND["secrets"] == {"cardNumber": NUMBER_SECRET}
    keys = [vector["key"] for vector in SECOND["sealed"]]
    places = {vector["place"] for vector in SECOND["sealed"]}
    assert len(set(keys)) == len(places) > 1


@pytest.mark.parametrize("name", RECORDS)
def test_an_answer_of_version_2_is_sealed_as_the_format_says(name):
    vector = RECORDS[name]
    nonce = bytes.fromhex(vector["nonce"])
    sealed = by_hand.sealed_for_place(NUMBER_SECRET, vector["place"], nonce, vector["answer"])
    assert sealed.hex() == SECOND["sealedAnswers"][name]


@pytest.mark.parametrize("name", RECORDS)
def test_an_idempotency_record_is_what_the_format_says(name):
    vector = RECORDS[name]
    text = json.dumps([vector["tenantId"], vector["action"], vector["key"]])
    assert (text, "IDEM#" + by_hand.sha256(text)) == (vector["keyText"], vector["sk"])
    body = json.loads(vector["body"], parse_float=Decimal)
    assert by_hand.request_text(body) == vector["requestText"]
    assert by_hand.content_mac(NUMBER_SECRET, vector["requestText"]).hex() == vector["requestMac"]
    assert vector["place"] == f"{vector['ownerId']} {vector['sk']}"
    assert by_hand.gift_card_aad(vector["place"]).hex() == vector["aad"]
    assert sealed_by_hand(vector, vector["answer"]) == vector["sealedAnswer"]


@pytest.mark.parametrize("vector", ENTRIES, ids=lambda vector: vector["fields"]["sk"])
def test_an_entry_is_hashed_as_the_format_says(vector):
    assert by_hand.canonical(vector["fields"]) == vector["canonical"]
    assert by_hand.sha256(vector["canonical"]) == vector["hash"] == vector["fields"]["hash"]


def test_the_published_ledger_is_a_chain_of_every_kind_of_entry_with_every_field():
    fields = [vector["fields"] for vector in ENTRIES]
    before = by_hand.FIRST_PREVIOUS_HASH
    for seq, entry in enumerate(fields, 1):
        assert (entry["seq"], entry["sk"]) == (seq, f"ENTRY#{seq:010d}")
        assert entry["id"] == f"{entry['id'][:16]}{seq:08x}"
        assert entry["previousHash"] == before
        before = entry["hash"]
    assert {entry["transactionType"] for entry in fields} == set(EntryType)
    stored_names = {item.attr_name for item in EntryRecord.get_attributes().values()}
    assert set().union(*fields) == stored_names


# --- what our code does ---------------------------------------------------------------------------


@pytest.mark.parametrize("vector", PUBLISHED["cardNumbers"], ids=lambda vector: vector["index"])
def test_our_code_finds_the_published_numbers(vector):
    assert numbers.index_of(vector["cardNumber"]) == vector["index"]
    assert guard_key(vector["index"]) == vector["guardKey"]


@pytest.mark.parametrize("vector", PUBLISHED["securityCodes"], ids=lambda vector: vector["mac"])
def test_our_code_knows_the_published_security_codes(vector):
    mac = bytes.fromhex(vector["mac"])
    kept = codes.mac(vector["cardId"], vector["code"])
    assert kept == by_hand.key_id(CODE_SECRET) + mac
    for stored in (kept, mac):  # former releases kept the MAC alone
        assert codes.matches(stored, vector["cardId"], vector["code"])
        assert not codes.matches(stored, vector["cardId"], "999999")


@pytest.mark.parametrize("vector", ROTATED["securityCodes"], ids=lambda vector: vector["name"])
def test_our_code_knows_a_code_that_was_taken_from_key_to_key(vector):
    kept = bytes.fromhex(vector["kept"])
    card_id, code, keys = vector["cardId"], vector["code"], vector["keys"]
    assert rotated_codes.matches(kept, card_id, code)
    assert not rotated_codes.matches(kept, card_id, "999999")
    in_use = ROTATED["secrets"]["securityCode"]["key"]
    assert rotated_codes.is_current(kept) == (keys[-1] == in_use)
    again = by_hand.kept_code([*keys, in_use], card_id, code)
    assert rotated_codes.mac_again(kept) == again


def test_a_code_under_a_key_that_is_not_in_the_secret_matches_nothing():
    for vector in ROTATED["securityCodes"]:
        kept = bytes.fromhex(vector["kept"])
        known = given_secret(ROTATED["secrets"]["securityCode"]["key"])
        right = CodeVault(known).matches(kept, vector["cardId"], vector["code"])
        assert right == (vector["keys"] == [ROTATED["secrets"]["securityCode"]["key"]])


@pytest.mark.parametrize("vector", ROTATED["fingerprints"], ids=lambda vector: vector["former"])
def test_our_code_knows_a_repeat_by_a_fingerprint_of_a_former_key(vector):
    former, again = bytes.fromhex(vector["former"]), bytes.fromhex(vector["again"])
    assert rotated_numbers.fingerprint_again(former) == again
    for kept in (former, again):
        assert rotated_numbers.is_fingerprint(kept, vector["text"])
        assert not rotated_numbers.is_fingerprint(kept, vector["text"] + " ")


@pytest.mark.parametrize("vector", ROTATED["indexes"], ids=lambda vector: vector["former"])
def test_our_code_looks_a_number_up_under_the_key_in_use_last(vector):
    expected = [vector["former"], vector["current"]]
    assert rotated_numbers.indexes_of(vector["cardNumber"]) == expected
    assert rotated_numbers.index_of(vector["cardNumber"]) == vector["current"]


@pytest.mark.parametrize("name", SEALED)
def test_our_code_opens_what_a_former_key_sealed(name):
    vector = SEALED[name]
    sealed = bytes.fromhex(vector["sealed"])
    assert rotated_numbers.open(sealed, vector["place"]) == vector["content"]
    assert not rotated_numbers.is_current(sealed, vector["place"])
    assert numbers.is_current(sealed, vector["place"])


@pytest.mark.parametrize("vector", PUBLISHED["callers"], ids=lambda vector: vector["name"])
def test_our_code_makes_the_published_fingerprints(vector):
    assert numbers.fingerprint(vector["text"]).hex() == vector["mac"]


@pytest.mark.parametrize("name", SEALED)
def test_our_code_opens_the_published_texts_of_former_releases(name):
    vector = SEALED[name]
    assert numbers.open(bytes.fromhex(vector["sealed"]), vector["place"]) == vector["content"]


@pytest.mark.parametrize("vector", SECOND["sealed"], ids=lambda vector: vector["name"])
def test_our_code_opens_and_seals_the_published_texts(vector, monkeypatch):
    assert numbers.open(bytes.fromhex(vector["sealed"]), vector["place"]) == vector["content"]
    give_nonce(monkeypatch, vector)
    assert numbers.seal(vector["content"], vector["place"]).hex() == vector["sealed"]


@pytest.mark.parametrize("vector", SECOND["refused"], ids=lambda vector: vector["name"])
def test_our_code_refuses_a_text_of_another_place_or_version(vector):
    with pytest.raises(CannotOpen):
        numbers.open(bytes.fromhex(vector["sealed"]), vector["place"])


@pytest.mark.parametrize("name", REFUSED)
def test_our_code_refuses_what_must_not_open(name):
    vector = REFUSED[name]
    good = SEALED[vector["from"]]
    changed = {field for field in ("place", "sealed") if vector[field] != good[field]}
    assert changed == {vector["changed"]}
    with pytest.raises(CannotOpen):
        numbers.open(bytes.fromhex(vector["sealed"]), vector["place"])


@pytest.mark.parametrize("name", RECORDS)
def test_our_code_makes_the_published_idempotency_records(name, monkeypatch):
    vector = RECORDS[name]
    request = request_of(vector)
    assert (request.sort_key, request.place) == (vector["sk"], vector["place"])
    assert request.content == vector["requestText"]
    assert numbers.fingerprint(request.content).hex() == vector["requestMac"]
    answer = decimal_json.loads(numbers.open(bytes.fromhex(vector["sealedAnswer"]), request.place))
    assert decimal_json.dumps(answer) == vector["answer"], "an amount keeps its digits"
    give_nonce(monkeypatch, vector)
    record = request.record(answer)
    assert (record.owner_id, record.sort_key) == (vector["ownerId"], vector["sk"])
    assert record.request_mac.hex() == vector["requestMac"]
    assert record.sealed_answer.hex() == SECOND["sealedAnswers"][name]


@pytest.mark.parametrize("vector", PUBLISHED["sortKeys"], ids=lambda vector: vector["entry"])
def test_our_code_makes_the_published_sort_keys(vector):
    assert entry_key(vector["seq"]) == vector["entry"]
    assert refund_key(vector["seq"]) == vector["refunds"]


@pytest.mark.parametrize("vector", ENTRIES, ids=lambda vector: vector["fields"]["sk"])
def test_our_code_hashes_the_published_entries(vector):
    entry = EntryRecord.from_raw_data(as_item(vector["fields"]))
    assert entry.computed_hash() == vector["hash"]


def test_our_code_verifies_the_published_ledger():
    entries = [EntryRecord.from_raw_data(as_item(vector["fields"])) for vector in ENTRIES]
    last = ENTRIES[-1]["fields"]
    fields = dict(PUBLISHED["cardState"]["fields"])
    sealed, is_physical = bytes.fromhex(fields.pop("sealedNumber")), fields.pop("isPhysical")
    card = CardRecord.from_raw_data(as_item(fields))
    card.sealed_number, card.is_physical = sealed, is_physical
    card.balance, card.entry_seq, card.entry_hash = 0, last["seq"], last["hash"]
    assert card.state_hash == PUBLISHED["cardState"]["hash"]
    assert list(differences(card, entries)) == []
    entries[7].description = "another"
    assert [(found.seq, found.why) for found in differences(card, entries)] == [(8, "altered")]
