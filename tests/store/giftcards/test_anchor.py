"""I7, I10: how far a ledger went is kept where nobody who posts entries can write."""

import pytest

from cardvault.aws.streams import work_by_key
from cardvault.core.hash_chain import Head
from cardvault.giftcards import store
from cardvault.giftcards.ledger.anchor import anchor_entries, anchor_of, anchor_up_to
from cardvault.giftcards.ledger.records import EntryRecord, entry_key
from cardvault.giftcards.queries.verify import verify_card
from tests.support.chaining import anchor_everything, entry_records, record

FORGED = '"ForgedRecord":[1.0]'


def head_of(card_id):
    card = store.find(card_id)
    return Head(card.entry_seq, card.entry_hash)


def brought(records):
    assert work_by_key(records, "cardId", anchor_entries) == []


@pytest.fixture
def anchored(card):
    anchor_everything()
    assert anchor_of(card) == head_of(card)
    return card


def test_the_anchor_is_where_the_ledger_ends_and_leaves_the_verdict(anchored):
    assert verify_card(anchored) == []


def test_what_comes_again_or_piece_by_piece_changes_nothing(tampered, card):
    records = entry_records(card)
    for some in (records[:2], records[:2], records[1:4], records[3:], records):
        brought(some)
    assert anchor_of(card) == head_of(card)


def test_what_the_stream_lost_is_read_from_the_table_as_it_is_now(card, monkeypatch):
    asked, query = [], EntryRecord.query

    def noted(*arguments, **options):
        asked.append(options)
        return query(*arguments, **options)

    monkeypatch.setattr(EntryRecord, "query", noted)
    brought(entry_records(card)[-1:])
    assert anchor_of(card) == head_of(card)
    assert [options["consistent_read"] for options in asked] == [True]


def test_i7_a_history_that_was_rewritten_with_all_its_hashes_is_found(tampered, anchored, capsys):
    card = store.find(anchored)
    entries = store.entries(anchored, newest_first=False)
    previous, balance = entries[1].hash, entries[1].balance_after
    for entry in entries[2:]:
        entry.amount, entry.previous_hash = -1, previous
        entry.balance_before, balance = balance, balance - 1
        entry.balance_after = balance
        card.balance = balance
        entry.card_hash = card.state_hash
        entry.hash = previous = entry.computed_hash()
        entry.save()
    card.entry_hash = previous
    card.save()
    assert [(found.seq, found.why) for found in verify_card(anchored)] == [
        (5, "not the entry that was anchored")
    ]


def test_i7_an_end_that_was_cut_off_is_found(table, anchored):
    card, fourth = store.find(anchored), store.entries(anchored)[1]
    table.delete(anchored, entry_key(5))
    card.entry_seq, card.entry_hash, card.balance = 4, fourth.hash, fourth.balance_after
    card.save()
    found = [(found.seq, found.why) for found in verify_card(anchored)]
    assert found == [(5, "not the entry that was anchored")]


@pytest.mark.parametrize("name", ["MODIFY", "REMOVE"])
def test_i7_an_entry_that_was_overwritten_or_deleted_rings(anchored, name, capsys):
    last = entry_records(anchored)[-1]["dynamodb"]["NewImage"]
    brought([record(last, last, name)])
    assert FORGED in capsys.readouterr().out
    assert anchor_of(anchored) == head_of(anchored)


@pytest.mark.parametrize(
    "forge",
    [
        lambda image: image.update(amount={"N": "5"}),
        lambda image: image.update(previousHash={"S": "0" * 64}),
        lambda image: image.pop("hash"),
        lambda image: image.update(balanceAfter={"S": "a text"}),
    ],
    ids=["altered", "of another chain", "without a hash", "of another type"],
)
def test_i7_an_entry_that_does_not_hold_is_not_anchored_and_rings(card, forge, capsys):
    records = entry_records(card)
    brought(records[:-1])
    before = anchor_of(card)
    forge(records[-1]["dynamodb"]["NewImage"])
    brought(records[-1:])
    assert anchor_of(card) == before
    assert FORGED in capsys.readouterr().out


def test_a_card_of_a_former_release_is_anchored_from_its_beginning(card):
    assert anchor_up_to(card, store.entries(card)) == head_of(card)
