"""Pure rules: amounts, numbers, status as of now, and JSON with exact decimals (I10)."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cardvault.core import decimal_json
from cardvault.core.clock import to_text
from cardvault.errors import CannotOpen, InvalidRequest
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.records import CardRecord
from cardvault.giftcards.queries.csv_export import as_csv
from cardvault.giftcards.security import vault
from cardvault.giftcards.security.vault import CodeVault, NumberVault

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
moments = st.none() | st.integers(-3, 3).map(lambda days: to_text(NOW + timedelta(days=days)))


class Secret:
    def __init__(self, key):
        self.key = key

    def value(self):
        return {"key": self.key}


NUMBERS, CODES = NumberVault(Secret("one")), CodeVault(Secret("two"))


@given(st.integers(-(10**9), 10**9))
def test_i10_an_amount_goes_out_and_comes_back_to_the_cent(cents):
    assume(abs(cents) < 10**11)
    text = decimal_json.dumps(money.amount(cents))
    assert text.lstrip("-").partition(".")[2].isdigit()
    assert len(text.partition(".")[2]) == 2
    assert money.minor_units("amount", decimal_json.loads(text), least=-(10**12)) == cents
    assert money.minor_units("amount", text, least=-(10**12)) == cents


def test_currencies_without_cents_are_iso_4217_codes_in_order():
    codes = sorted(money.NOT_IN_CENTS)
    assert len(codes) == 39
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in codes)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_i10_nothing_is_rounded(value):
    try:
        cents = money.minor_units("amount", value, least=-(10**12))
    except InvalidRequest as error:
        assert "amount" in str(error)  # noqa: PT017
    else:
        assert Decimal(cents) == value * 100


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_our_json_is_json(value):
    text = decimal_json.dumps(value)
    assert json.loads(text) == value
    assert text == json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def test_money_is_written_with_its_decimals():
    assert decimal_json.dumps({"balance": Decimal("100.00"), "x": [Decimal("-25.50")]}) == (
        '{"balance":100.00,"x":[-25.50]}'
    )


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "1e5000000000x"])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        decimal_json.loads(text)


def test_the_check_digit_is_luhns():
    assert vault.check_digit("400012345678901") == "7"
    assert vault.is_number("4111111111111111")
    assert not vault.is_number("4111111111111112")


@given(st.data())
def test_a_number_has_16_digits_and_any_one_wrong_digit_shows(data):
    number = vault.new_number()
    assert vault.is_number(number)
    place = data.draw(st.integers(0, 15))
    digit = data.draw(st.sampled_from("0123456789".replace(number[place], "")))
    assert not vault.is_number(number[:place] + digit + number[place + 1 :])


@given(st.text(), st.text(), st.text())
def test_a_number_opens_only_for_its_own_card(number, place, elsewhere):
    sealed = NUMBERS.seal(number, place)
    assert NUMBERS.open(sealed, place) == number
    if place != elsewhere:
        with pytest.raises(CannotOpen):
            NUMBERS.open(sealed, elsewhere)


@given(st.data())
def test_any_flipped_bit_of_a_sealed_number_is_refused(data):
    sealed = bytearray(NUMBERS.seal("9000000000000001", "card"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        NUMBERS.open(bytes(sealed), "card")


def test_a_code_is_known_again_on_its_own_card_only():
    kept = CODES.mac("card", "123456")
    assert CODES.matches(kept, "card", "123456")
    assert not CODES.matches(kept, "card", "123457")
    assert not CODES.matches(kept, "other", "123456")
    assert not CODES.matches(None, "card", "123456")
    assert b"123456" not in kept


def test_no_key_shows_itself():
    assert "one" not in repr(NUMBERS)
    assert "two" not in repr(CODES)


cards = st.builds(
    lambda **facts: CardRecord("c", **facts),
    expires_at=moments.filter(bool),
    activated_at=moments,
    voided_at=moments,
    suspended_at=moments,
    suspended_until=moments,
    balance=st.integers(0, 2),
)


@given(cards)
def test_status_is_the_one_that_forbids_the_most(card):
    status = lifecycle.status(card, NOW)
    if card.voided_at:
        assert status is Status.VOIDED
    elif card.expires_at <= to_text(NOW):
        assert status is Status.EXPIRED
    elif not card.activated_at:
        assert status is Status.PENDING
    elif card.suspended_at and not (card.suspended_until and card.suspended_until <= to_text(NOW)):
        assert status is Status.SUSPENDED
    else:
        assert status is (Status.ACTIVE if card.balance else Status.DEPLETED)


@given(cards)
def test_time_alone_never_revives_what_expired(card):
    if lifecycle.status(card, NOW) in {Status.EXPIRED, Status.VOIDED}:
        later = lifecycle.status(card, NOW + timedelta(days=9))
        assert later in {Status.EXPIRED, Status.VOIDED}


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
    ],
)
def test_a_spreadsheet_runs_nothing_of_an_export(text):
    entry = {"id": "1", "amount": Decimal("-1.00"), "description": text}
    rows = as_csv({"currency": "EUR", "transactions": [entry]}).split("\r\n", 1)
    assert f"'{text}" in rows[1]
    assert ',"-1.00",' in rows[1]
