"""A gift-card shop on moto, whose ledger must add up after every test."""

from collections.abc import Iterator

import pytest

from tests.support.giftcards import GiftShop


@pytest.fixture
def shop(cloud, clock) -> Iterator[GiftShop]:
    """I10: whatever a test did, the entries of every card add up to its balance."""
    opened = GiftShop.open(cloud.settings, clock)
    yield opened
    assert opened.verify() == []
