"""Pages: every card comes back under its number, and none fits where it does not belong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardvault.core.cards import Card
from cardvault.errors import CannotOpen, CardTooLong, OrderTooLarge
from cardvault.sealing.pages import (
    CARDS_PER_PAGE,
    LARGEST_PAGE,
    LARGEST_SEALED_ORDER,
    LONGEST_SEALED_CARD,
    Layout,
    open_page,
    seal_pages,
)
from cardvault.sealing.sealed_card import CardKey
from tests.support.doubles import canary_cards

KEY = CardKey.derive(bytes(32))
TENANT, ORDER = "a" * 24, "b" * 24
THREE_PAGES = canary_cards(2 * CARDS_PER_PAGE + 3)
# DynamoDB's limit of an item, and room for the names, the ids and the sort key beside the page.
LARGEST_ITEM, BESIDE_THE_PAGE = 400 * 1024, 200
# Version, nonce and tag; brackets, quotes and `,null`.
AROUND_A_CARD, AROUND_A_VALUE = 1 + 12 + 16, len('["",null]')


def sealed(cards):
    return seal_pages(KEY, TENANT, ORDER, cards)


def opened(new):
    return [
        numbered
        for page, content in enumerate(new.pages)
        for numbered in open_page(KEY, TENANT, ORDER, new.layout, page, content)
    ]


@given(st.integers(0, 1200))
@settings(max_examples=40)
def test_any_number_of_cards_comes_back_page_by_page(count):
    cards = canary_cards(count)
    new = sealed(cards)
    assert new.layout == Layout(count, CARDS_PER_PAGE)
    assert len(new.pages) == new.layout.pages == -(-count // CARDS_PER_PAGE)
    assert opened(new) == list(enumerate(cards, start=1))


texts = st.text(max_size=60)


@given(st.lists(st.builds(Card, texts, st.none() | texts), max_size=8))
def test_cards_of_any_text_come_back(cards):
    assert opened(sealed(cards)) == list(enumerate(cards, start=1))


@given(st.lists(st.integers(1, LONGEST_SEALED_CARD - 100), max_size=300))
@settings(max_examples=25)
def test_cards_of_any_length_come_back_on_pages_that_fit_an_item(lengths):
    cards = [Card("z" * length) for length in lengths]
    new = sealed(cards)
    assert opened(new) == list(enumerate(cards, start=1))
    assert all(0 < len(page) <= LARGEST_PAGE for page in new.pages)


@given(st.integers(0, 10_000), st.integers(1, CARDS_PER_PAGE))
def test_every_card_has_one_place(count, per_page):
    layout = Layout(count, per_page)
    numbers = [number for page in range(layout.pages) for number in layout.numbers_on(page)]
    assert numbers == list(range(1, count + 1))


@pytest.mark.parametrize("count", [1, 249, 250, 251, 1200])
def test_pages_are_full_but_the_last(count):
    layout = Layout(count)
    sizes = [len(layout.numbers_on(page)) for page in range(layout.pages)]
    assert set(sizes[:-1]) <= {CARDS_PER_PAGE}
    assert sum(sizes) == count


@pytest.mark.parametrize(("count", "per_page"), [(3, 0), (3, -1), (3, 251), (-1, 250)])
def test_a_layout_that_no_order_has_opens_nothing(count, per_page):
    with pytest.raises(CannotOpen):
        Layout(count, per_page)


def longest_value():
    return "x" * (LONGEST_SEALED_CARD - AROUND_A_CARD - AROUND_A_VALUE)


def test_the_largest_page_fits_an_item():
    assert LARGEST_PAGE + BESIDE_THE_PAGE < LARGEST_ITEM


def test_cards_that_fill_a_page_to_the_last_byte_stay_on_it():
    each = LARGEST_PAGE // CARDS_PER_PAGE - 2 - AROUND_A_CARD - AROUND_A_VALUE
    full = sealed([Card("x" * each)] * CARDS_PER_PAGE)
    assert [len(page) for page in full.pages] == [LARGEST_PAGE]
    more = sealed([Card("x" * each)] * (CARDS_PER_PAGE - 1) + [Card("x" * each + "x")])
    assert more.layout.cards_per_page == CARDS_PER_PAGE // 2


def test_the_longest_card_is_sealed_and_opens():
    cards = [Card("short"), Card(longest_value())]
    assert opened(sealed(cards)) == list(enumerate(cards, start=1))


@pytest.mark.parametrize(
    "too_much", [Card(longest_value() + "x"), Card("x", longest_value() + "xx")]
)
def test_a_card_that_is_too_long_is_refused_and_not_shown(too_much):
    with pytest.raises(CardTooLong) as refused:
        sealed([Card("short"), too_much])
    assert "xx" not in str(refused.value)


def test_cards_that_are_too_long_together_are_refused():
    each = AROUND_A_CARD + len('["",null]') + 2
    count, length = 400, LARGEST_SEALED_ORDER // 400 - each
    assert sum(map(len, sealed([Card("x" * length)] * count).pages)) == LARGEST_SEALED_ORDER
    with pytest.raises(OrderTooLarge):
        sealed([Card("x" * length)] * (count - 1) + [Card("x" * length + "x")])


@given(st.data())
def test_no_page_opens_as_another(data):
    new = sealed(THREE_PAGES)
    page = data.draw(st.integers(0, 2))
    elsewhere = data.draw(st.integers(0, 2).filter(lambda other: other != page))
    with pytest.raises(CannotOpen):
        open_page(KEY, TENANT, ORDER, new.layout, elsewhere, new.pages[page])


@given(st.integers(1, CARDS_PER_PAGE - 1))
@settings(max_examples=20)
def test_no_page_opens_under_another_layout(per_page):
    new = sealed(THREE_PAGES)
    for page, packed in enumerate(new.pages):
        with pytest.raises(CannotOpen):
            open_page(KEY, TENANT, ORDER, Layout(len(THREE_PAGES), per_page), page, packed)


@given(st.data())
def test_no_page_opens_when_cut_or_lengthened(data):
    (packed,) = sealed(canary_cards(3)).pages
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    longer = packed + data.draw(st.binary(min_size=1, max_size=40))
    for damaged in (cut, longer):
        with pytest.raises(CannotOpen):
            open_page(KEY, TENANT, ORDER, Layout(3), 0, damaged)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_are_a_page(packed):
    with pytest.raises(CannotOpen):
        open_page(KEY, TENANT, ORDER, Layout(3), 0, packed)


@pytest.mark.parametrize(
    ("tenant", "order", "count"),
    [("c" * 24, ORDER, 3), (TENANT, "c" * 24, 3), (TENANT, ORDER, 2), (TENANT, ORDER, 4)],
)
def test_i2_a_page_opens_for_its_own_order_and_count_alone(tenant, order, count):
    (packed,) = sealed(canary_cards(3)).pages
    with pytest.raises(CannotOpen):
        open_page(KEY, tenant, order, Layout(count), 0, packed)


def test_an_order_without_cards_has_no_page():
    assert sealed([]).pages == []
    assert Layout(0).pages == 0
