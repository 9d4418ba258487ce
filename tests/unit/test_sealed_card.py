"""I2: a sealed card opens only at its own place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.core.cards import Card
from cardvault.errors import CannotOpen
from cardvault.sealing.sealed_card import CardKey, Place

KEY = CardKey.derive(bytes(32))
texts = st.text(min_size=1, max_size=40)
cards = st.builds(Card, texts, st.none() | texts)
places = st.builds(Place, texts, texts, st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1))


@given(cards, places)
def test_a_card_comes_back_from_its_own_place(card, place):
    assert KEY.open(KEY.seal(card, place), place) == card


@given(cards, places, places)
def test_a_card_moved_elsewhere_stays_shut(card, place, elsewhere):
    sealed = KEY.seal(card, place)
    if place != elsewhere:
        with pytest.raises(CannotOpen):
            KEY.open(sealed, elsewhere)


@given(cards, places, st.data())
def test_any_flipped_bit_is_refused(card, place, data):
    sealed = bytearray(KEY.seal(card, place))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        KEY.open(bytes(sealed), place)


@given(cards, places, st.data())
def test_any_cut_is_refused(card, place, data):
    sealed = KEY.seal(card, place)
    cut = data.draw(st.integers(0, len(sealed) - 1))
    with pytest.raises(CannotOpen):
        KEY.open(sealed[:cut], place)


@given(st.binary() | st.binary().map(lambda some: b"\x01" + some), places)
def test_what_was_never_sealed_is_refused(made_up, place):
    with pytest.raises(CannotOpen):
        KEY.open(made_up, place)


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
