"""Pages: every card comes back under its number, and none fits where it does not belong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardvault.cards import Card
from cardvault.errors import CannotOpen, OrderTooLarge
from cardvault.sealing import pages
from cardvault.sealing.pages import (
    CARDS_PER_PAGE,
    LONGEST_SEALED_CARD,
    numbers_on,
    open_page,
    page_count,
    seal_pages,
)
from cardvault.sealing.sealed_card import CardKey
from tests.support.doubles import canary_cards

KEY = CardKey.derive(bytes(32))
TENANT, ORDER = "a" * 24, "b" * 24
# DynamoDB's limit of an item, and room for the names, the ids and the sort key beside the page.
LARGEST_ITEM, BESIDE_THE_PAGE = 400 * 1024, 200
# Version, nonce and tag; brackets, quotes and `,null`.
AROUND_A_CARD, AROUND_A_VALUE = 1 + 12 + 16, len('["",null]')


def sealed(cards):
    return list(seal_pages(KEY, TENANT, ORDER, cards))


def opened(packed, count):
    return [
        numbered
        for page, content in enumerate(packed)
        for numbered in open_page(KEY, TENANT, ORDER, count, page, content)
    ]


@given(st.integers(0, 1200), st.integers(1, 300))
@settings(max_examples=40)
def test_any_number_of_cards_comes_back_page_by_page(count, per_page):
    cards = canary_cards(count)
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(pages, "CARDS_PER_PAGE", per_page)
        packed = sealed(cards)
        assert len(packed) == page_count(count) == -(-count // per_page)
        assert opened(packed, count) == list(enumerate(cards, start=1))


texts = st.text(max_size=60)


@given(st.lists(st.builds(Card, texts, st.none() | texts), max_size=8))
def test_cards_of_any_text_come_back(cards):
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(pages, "CARDS_PER_PAGE", 3)
        assert opened(sealed(cards), len(cards)) == list(enumerate(cards, start=1))


@given(st.integers(0, 10_000))
def test_every_card_has_one_place(count):
    numbers = [number for page in range(page_count(count)) for number in numbers_on(page, count)]
    assert numbers == list(range(1, count + 1))


@pytest.mark.parametrize("count", [1, 249, 250, 251, 1200])
def test_pages_are_full_but_the_last(count):
    sizes = [len(numbers_on(page, count)) for page in range(page_count(count))]
    assert set(sizes[:-1]) <= {CARDS_PER_PAGE}
    assert sum(sizes) == count


def longest_value():
    return "x" * (LONGEST_SEALED_CARD - AROUND_A_CARD - AROUND_A_VALUE)


def test_a_page_of_the_longest_cards_fits_an_item():
    (page,) = sealed([Card(longest_value())] * CARDS_PER_PAGE)
    assert len(page) == CARDS_PER_PAGE * (LONGEST_SEALED_CARD + 2)
    assert len(page) + BESIDE_THE_PAGE < LARGEST_ITEM


@pytest.mark.parametrize(
    "too_much", [Card(longest_value() + "x"), Card("x", longest_value() + "xx")]
)
def test_a_card_that_is_too_long_is_refused_and_not_shown(too_much):
    with pytest.raises(OrderTooLarge) as refused:
        sealed([Card("short"), too_much])
    assert "xx" not in str(refused.value)


@given(st.data())
def test_no_page_opens_as_another(data):
    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(pages, "CARDS_PER_PAGE", 4)
        packed = sealed(canary_cards(11))
        page = data.draw(st.integers(0, 2))
        elsewhere = data.draw(st.integers(0, 2).filter(lambda other: other != page))
        with pytest.raises(CannotOpen):
            open_page(KEY, TENANT, ORDER, 11, elsewhere, packed[page])


@given(st.data())
def test_no_page_opens_when_cut_or_lengthened(data):
    (packed,) = sealed(canary_cards(3))
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    longer = packed + data.draw(st.binary(min_size=1, max_size=40))
    for damaged in (cut, longer):
        with pytest.raises(CannotOpen):
            open_page(KEY, TENANT, ORDER, 3, 0, damaged)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_are_a_page(packed):
    with pytest.raises(CannotOpen):
        open_page(KEY, TENANT, ORDER, 3, 0, packed)


@pytest.mark.parametrize(
    ("tenant", "order", "count"),
    [("c" * 24, ORDER, 3), (TENANT, "c" * 24, 3), (TENANT, ORDER, 2), (TENANT, ORDER, 4)],
)
def test_i2_a_page_opens_for_its_own_order_and_count_alone(tenant, order, count):
    (packed,) = sealed(canary_cards(3))
    with pytest.raises(CannotOpen):
        open_page(KEY, tenant, order, count, 0, packed)


def test_an_order_without_cards_has_no_page():
    assert sealed([]) == []
    assert page_count(0) == 0
