"""I10, I7: whatever is done to the table behind our back, verify_ledger finds and locates it."""

import pytest

from cardvault.giftcards.ledger.records import entry_key
from cardvault.giftcards.queries.verify import verify_card
from tests.support.giftcards import GiftShop


@pytest.fixture
def tampered(cloud, clock):
    """A shop whose ledger is expected not to add up."""
    return GiftShop.open(cloud.settings, clock)


@pytest.fixture
def card(tampered):
    made = tampered.active("100.00")
    for _ in range(3):
        tampered.redeem(made["id"], "10.00")
    assert tampered.verify() == []
    return made["id"]


@pytest.fixture
def table(cloud, tampered):
    class Table:
        client = cloud.client("dynamodb")

        def key(self, card_id, sort_key):
            return {"cardId": {"S": card_id}, "sk": {"S": sort_key}}

        def set(self, card_id, sort_key, name, value):
            self.client.update_item(
                TableName="GiftCardsTable",
                Key=self.key(card_id, sort_key),
                UpdateExpression="SET #n = :v",
                ExpressionAttributeNames={"#n": name},
                ExpressionAttributeValues={":v": value},
            )

        def delete(self, card_id, sort_key):
            self.client.delete_item(TableName="GiftCardsTable", Key=self.key(card_id, sort_key))

        def copy(self, card_id, source, target, **changes):
            item = self.client.get_item(TableName="GiftCardsTable", Key=self.key(card_id, source))[
                "Item"
            ]
            item = {**item, "sk": {"S": target}, **changes}
            self.client.put_item(TableName="GiftCardsTable", Item=item)

    return Table()


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
