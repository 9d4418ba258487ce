"""A gift-card shop on moto, whose ledger must add up after every test."""

from collections.abc import Iterator

import pytest

from tests.support.chaining import anchor_everything
from tests.support.giftcards import GiftShop


@pytest.fixture
def shop(cloud, clock) -> Iterator[GiftShop]:
    """I10: whatever a test did, the entries of every card add up to its balance."""
    opened = GiftShop.open(cloud.settings, clock)
    yield opened
    assert opened.verify() == []
    anchor_everything()
    assert opened.verify() == []


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
    return str(made["id"])


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
