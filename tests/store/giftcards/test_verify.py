"""I10, I7: whatever is done to the table behind our back, verify_ledger finds and locates it."""

import pytest

from cardvault.errors import CardAltered, LimitExceeded
from cardvault.giftcards import define_programs, store
from cardvault.giftcards.ledger.records import entry_key
from cardvault.giftcards.queries.verify import verify_card


def test_i10_a_changed_balance_is_found(table, card):
    table.set(card, "CARD", "balance", {"N": "9999"})
    (found,) = verify_card(card)
    assert found.why == "the card's balance is not the sum of its entries"


def test_i10_a_changed_amount_is_found_where_it_is(table, card):
    table.set(card, entry_key(4), "amount", {"N": "-1"})
    assert {(found.seq, found.why) for found in verify_card(card)} == {
        (4, "altered"),
        (4, "does not add up"),
    }


def test_i7_a_changed_remark_is_found(table, card):
    table.set(card, entry_key(3), "description", {"S": "nothing to see"})
    assert [(found.seq, found.why) for found in verify_card(card)] == [(3, "altered")]


def test_i7_a_missing_entry_is_found(table, card):
    table.delete(card, entry_key(3))
    first = verify_card(card)[0]
    assert (first.seq, first.why) == (3, "missing")


def test_i7_a_cut_off_end_is_found(table, card):
    table.delete(card, entry_key(5))
    assert (5, "missing") in [(found.seq, found.why) for found in verify_card(card)]


def test_i7_an_added_entry_is_found(table, card):
    table.copy(card, entry_key(5), entry_key(6), seq={"N": "6"})
    assert [(found.seq, found.why) for found in verify_card(card)] == [(6, "added after the head")]


def test_i7_a_swapped_entry_is_found(table, card):
    table.copy(card, entry_key(3), entry_key(4), seq={"N": "4"})
    assert {found.seq for found in verify_card(card)} >= {4}


FACTS = {
    "initialValue": {"N": "99999999"},
    "expiresAt": {"S": "2099-01-01T00:00:00.000Z"},
    "customerId": {"S": "mallory"},
    "codeMac": {"B": b"m" * 32},
    "voidedAt": {"S": "2026-01-01T00:00:00.000Z"},
    "holds": {"S": "[]"},
    "currency": {"S": "USD"},
}


@pytest.mark.parametrize("name", FACTS)
def test_i7_a_fact_that_no_entry_changed_is_found(table, card, name):
    table.set(card, "CARD", name, FACTS[name])
    (found,) = verify_card(card)
    assert (found.seq, found.why) == (5, "the card is not as its last entry left it")


@pytest.mark.parametrize("name", ["initialValue", "expiresAt", "customerId"])
def test_i10_a_card_changed_outside_the_ledger_is_not_activated(table, tampered, name):
    card_id = tampered.new("10.00")["id"]
    table.set(card_id, "CARD", name, FACTS[name])
    with pytest.raises(CardAltered):
        tampered.do("activate", card_id)
    assert store.find(card_id).balance == 0


def test_i10_nor_one_whose_entry_was_made_to_fit(table, tampered):
    card_id = tampered.new("10.00")["id"]
    table.set(card_id, "CARD", "initialValue", FACTS["initialValue"])
    table.set(card_id, entry_key(1), "cardHash", {"S": store.find(card_id).state_hash})
    with pytest.raises(CardAltered):
        tampered.do("activate", card_id)


def test_a_limit_that_was_lowered_holds_for_pending_cards(tampered, clock):
    card_id = tampered.new("100.00")["id"]
    lowered = {"programId": tampered.program.program_id, "maxBalance": 50, "maxInitialValue": 50}
    define_programs.update(lowered, clock=clock)
    with pytest.raises(LimitExceeded):
        tampered.do("activate", card_id)
