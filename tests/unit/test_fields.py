"""One grammar for a field, whichever API it comes in by."""

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.errors import InvalidRequest
from cardvault.fulfilment.create import NewOrder
from cardvault.giftcards import fields as of_gift_cards
from cardvault.giftcards.ledger import money
from cardvault.giftcards.ledger.money import minor_units
from cardvault.http import fields
from cardvault.http.schemas import body, checker
from cardvault.mail import resend
from cardvault.orders import recipient

EVERY = {
    "email": fields.EMAIL,
    "name": fields.name(80),
    "mailed": fields.name_in_mail(80),
    "text": fields.text(500),
    "amount": fields.AMOUNT,
    "signed": fields.SIGNED_AMOUNT,
    "id": fields.ID,
    "callersId": fields.CALLERS_ID,
    "phone": fields.PHONE,
    "moment": fields.MOMENT,
    "currency": fields.CURRENCY,
}
check = checker(body({}, EVERY))


def taken(**given):
    try:
        return check(given) == given
    except InvalidRequest:
        return False


def test_orders_and_gift_cards_stand_on_the_same_fields():
    of_orders = recipient.RECIPIENT["properties"]["email"]
    assert of_orders is of_gift_cards.EMAIL is resend.check_request.schema["properties"]["email"]
    assert of_gift_cards.ID is fields.ID
    assert of_gift_cards.text is fields.text


@pytest.mark.parametrize(
    "email", ["a@b", "a\u202e@b.co", "a@b.co\x00", "é@b.co", ".a@b.co", "a.@b.co", "a..b@b.co", 7]
)
def test_what_is_no_address_is_none_for_either_api(email):
    assert not taken(email=email)
    with pytest.raises(InvalidRequest, match="customerEmail"):
        of_gift_cards.checker({"customerEmail": of_gift_cards.EMAIL})({"customerEmail": email})


REORDERING = "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "\x00\x07\x0b\x1b\x7f\x85\x9f"


@pytest.mark.parametrize("sign", REORDERING + CONTROLS)
def test_no_text_turns_itself_around_or_hides_a_control(sign):
    assert not taken(text=f"a{sign}b")
    assert not taken(name=f"a{sign}b")


JOINERS = "\u200c\u200d"
UNSEEN = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) == "Cf"]


def test_a_name_holds_nothing_that_is_not_seen():
    assert len(UNSEEN) > 150
    for sign in set(UNSEEN) - set(JOINERS):
        assert not taken(name=f"م{sign}ن"), hex(ord(sign))
        assert not taken(mailed=f"م{sign}ن"), hex(ord(sign))


@pytest.mark.parametrize(
    "name",
    [
        "\u0646\u0627\u0645\u0647\u200c\u0647\u0627",
        "क्\u200dष",
        "\N{WOMAN}\u200d\N{COOKING}",
        "O'Neil & Söhne",
    ],
)
def test_the_joiners_that_scripts_are_written_with_are_taken(name):
    assert taken(name=name)
    assert taken(mailed=name)


@pytest.mark.parametrize(
    "name", ["Pay\u200dPal", "\u200dم", "م\u200c", "م\u200c\u200cم", "م\u200d."]
)
def test_a_joiner_hides_nowhere_else(name):
    assert not taken(name=name)
    assert not taken(mailed=name)


@pytest.mark.parametrize(
    "name",
    [
        "- your account is blocked, unlock: https://evil.example/login",
        "www.evil.example",
        "WwW.evil.example",
        "PayPal security@paypal.com",
        "PayPal security\N{FULLWIDTH COMMERCIAL AT}paypal.com",
        "PayPal security\N{SMALL COMMERCIAL AT}paypal.com",
    ],
)
def test_a_name_in_mail_holds_no_address(name):
    assert taken(name=name)
    assert not taken(mailed=name)


@pytest.mark.parametrize("sign", "\t\r\n")
def test_a_text_may_have_lines_and_a_name_may_not(sign):
    assert taken(text=f"a{sign}b")
    assert not taken(name=f"a{sign}b")


@pytest.mark.parametrize(("field", "longest"), [("name", 80), ("text", 500)])
def test_a_text_has_its_length(field, longest):
    assert taken(**{field: "é" * longest})
    assert not taken(**{field: "é" * (longest + 1)})
    required = checker(body({field: EVERY[field]}))
    with pytest.raises(InvalidRequest, match=f"^{field} must have at least 1"):
        required({field: ""})


@pytest.mark.parametrize(
    ("field", "typed", "meant"),
    [
        ("email", " ada@bücher.example\n", "ada@xn--bcher-kva.example"),
        ("name", "\u200f Ada Lovelace\u00a0", "Ada Lovelace"),
        ("text", "\n Happy\nbirthday \n", "Happy\nbirthday"),
        ("phone", "+44 20-7183 8750", "+442071838750"),
        ("phone", "+٤٤٢٠٧١٨٣٨٧٥٠", "+442071838750"),
        ("amount", " 100.0000 ", "100.0000"),
        ("amount", "٣٫٥", "3.5"),  # noqa: RUF001 - typed in Arabic
        ("signed", "-٣", "-3"),
    ],
)
def test_a_field_is_read_as_it_was_meant(field, typed, meant):
    assert check({field: typed}) == {field: meant}


@pytest.mark.parametrize("text", ["", " ", "\u00a0\n", "\u200b"])
def test_an_optional_text_that_was_left_empty_is_an_absent_one(text):
    texts = {"email", "name", "mailed", "text", "phone", "amount", "signed"}
    assert check(dict.fromkeys(texts, text)) == {}


def test_a_whole_number_may_be_written_with_a_point():
    whole = checker(
        body({"n": {"type": "integer"}, "list": {"type": "array", "items": {"type": "integer"}}})
    )
    assert whole({"n": Decimal("3.0"), "list": [Decimal("1e1")]}) == {"n": 3, "list": [10]}
    for other in (Decimal("3.5"), Decimal("1e999999"), "3"):
        with pytest.raises(InvalidRequest, match="n must be a whole number"):
            whole({"n": other, "list": []})


@pytest.mark.parametrize(
    "amount",
    [1, Decimal("0.01"), 0.01, "1", "1.5", "999999999.99", 5.5, Decimal("1.000"), "0.0100"],
)
def test_an_amount_is_a_number_or_a_text_of_digits(amount):
    assert taken(amount=amount)
    assert taken(signed=amount)
    assert fields.amount("amount", amount) == Decimal(str(amount))


@pytest.mark.parametrize(
    "amount",
    [None, True, {}, [], "", "a", "1e3", "1.", ".5", "1.234", "1,5", "+1", 10**9, 1e400, "-x"],
)
def test_what_is_no_amount_is_refused_by_the_schema(amount):
    assert not taken(amount=amount)
    assert not taken(signed=amount)
    with pytest.raises(InvalidRequest, match=r"^amount must be an amount such as"):
        fields.amount("amount", amount)


@pytest.mark.parametrize("amount", [-1, "-1", Decimal("-0.01"), "-999999999.99"])
def test_only_a_signed_amount_may_be_below_zero(amount):
    assert taken(signed=amount)
    assert not taken(amount=amount)


@given(st.integers(1, 10**11 - 1))
def test_an_amount_loses_no_digit(minor):
    exact = Decimal(minor).scaleb(-2)
    for given_as in (exact, str(exact)):
        assert taken(amount=given_as)
        assert minor_units("amount", given_as, least=1) == minor


@pytest.mark.parametrize("amount", [Decimal("0.001"), Decimal("1e-999999"), 0.005])
def test_an_amount_is_never_rounded(amount):
    with pytest.raises(InvalidRequest, match="at most two decimals"):
        fields.amount("amount", amount)


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a\n", "k" * 129, None])
def test_what_is_no_idempotency_key_is_refused_by_name(key):
    with pytest.raises(InvalidRequest, match=r"^Idempotency-Key must be a header of 1 to 128 "):
        fields.idempotency_key(key)


def test_a_key_that_opens_a_session_again_must_be_long():
    assert fields.idempotency_key("k") == "k"
    secret = fields.SECRET_IDEMPOTENCY_KEY
    assert fields.idempotency_key("k" * 32, secret) == "k" * 32
    with pytest.raises(InvalidRequest, match="32 to 128"):
        fields.idempotency_key("k" * 31, secret)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("id", "0a" * 12, "0A" * 12),
        ("callersId", "merchant_123", "#1"),
        ("phone", "+442071838750", "02071838750"),
        ("moment", "2026-01-31T12:00:00+03:00", "2026-01-31T12:00:00"),
        ("moment", "2026-01-31T12:00:00.123Z", "2026-02-30T12:00:00Z"),
        ("currency", "EUR", "eur"),
    ],
)
def test_the_other_fields_have_their_shape(field, good, bad):
    assert taken(**{field: good})
    assert not taken(**{field: bad})
    assert not taken(**{field: good + "\n"})


def test_an_orders_name_is_the_shared_one():
    order = {"productId": "P", "typeId": "T", "quantity": 1}
    with pytest.raises(InvalidRequest, match=r"delivery\.name must be text without"):
        NewOrder.parse({**order, "delivery": {"email": "a@b.co", "name": "a\u061cb"}})


# Those that have no decimals, three or four, and what is no money: ISO 4217.
NOT_IN_CENTS = """
BHD BIF CLF CLP DJF GNF IQD ISK JOD JPY KMF KRW KWD LYD OMR PYG RWF TND UGX UYI UYW VND VUV XAF XAG
XAU XBA XBB XBC XBD XDR XOF XPD XPF XPT XSU XTS XUA XXX
"""


def test_i10_a_currency_that_is_not_counted_in_cents_is_known():
    assert set(NOT_IN_CENTS.split()) == money.NOT_IN_CENTS
