"""I2: a sealed card opens only at its own place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.core.cards import Card
from cardvault.errors import CannotOpen
from cardvault.sealing.sealed_card import CardKey, Places

KEY = CardKey.derive(bytes(32))
texts = st.text(min_size=1, max_size=40)
cards = st.builds(Card, texts, st.none() | texts)
numbers = st.integers(1, 2**32 - 1)
places = st.tuples(texts, texts, numbers, numbers)  # tenant, order, count, number


def seal(card, place):
    *order, number = place
    return KEY.seal([card], Places.of(*order), [number])[0]


def opened(sealed, place):
    *order, number = place
    return KEY.open([sealed], Places.of(*order), [number])[0]


@given(cards, places)
def test_a_card_comes_back_from_its_own_place(card, place):
    assert opened(seal(card, place), place) == card


@given(st.lists(cards, min_size=2, max_size=6), texts, texts)
def test_cards_sealed_together_open_one_by_one_under_nonces_of_their_own(several, tenant, order):
    count = len(several)
    sealed = KEY.seal(several, Places.of(tenant, order, count), range(1, count + 1))
    places_of_each = [(tenant, order, count, number) for number in range(1, count + 1)]
    assert list(map(opened, sealed, places_of_each)) == several
    assert len({one[1:13] for one in sealed}) == count


@given(cards, places, places)
def test_a_card_moved_elsewhere_stays_shut(card, place, elsewhere):
    sealed = seal(card, place)
    if place != elsewhere:
        with pytest.raises(CannotOpen):
            opened(sealed, elsewhere)


@given(cards, places, st.data())
def test_any_flipped_bit_is_refused(card, place, data):
    sealed = bytearray(seal(card, place))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        opened(bytes(sealed), place)


@given(cards, places, st.data())
def test_any_cut_is_refused(card, place, data):
    sealed = seal(card, place)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(CannotOpen):
        opened(sealed[:cut], place)


@given(st.binary() | st.binary().map(lambda some: b"\x01" + some), places)
def test_what_was_never_sealed_is_refused(made_up, place):
    with pytest.raises(CannotOpen):
        opened(made_up, place)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_the_commitment_pins_the_key(one, other):
    commitment = CardKey.derive(one).commitment
    CardKey.derive(one).expect(commitment)
    if one != other:
        with pytest.raises(CannotOpen):
            CardKey.derive(other).expect(commitment)


def test_a_card_never_shows_itself():
    card = Card("CANARY-VALUE", "CANARY-SERIAL")
    assert "CANARY" not in f"{card} {card!r} {KEY!r}"
