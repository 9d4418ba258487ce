"""The customer in an order: what is accepted, and how a passcode is kept."""

import hashlib

import pytest

from cardvault.errors import InvalidRequest
from cardvault.fulfilment.create import NewOrder
from cardvault.orders.recipient import hash_passcode, passcode_fits

ORDER = {"productId": "P1", "typeId": "T1", "quantity": 1}


def parse(**delivery):
    return NewOrder.parse({**ORDER, "delivery": {"email": "ada@example.com", **delivery}})


@pytest.mark.parametrize(
    "email", ["ada@example.com", "a.b+c@sub.example.co", "o'neil@xn--bcher-kva.example", "$x@e.com"]
)
def test_an_address_is_accepted(email):
    assert parse(email=email).recipient.email == email


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@example.com", "ada@localhost", "a b@example.com", ".ada@example.com",
     "ada@example.com\r\nBcc: eve@example.com", "ada@ex ample.com", "ada,eve@example.com",
     "<ada@example.com>", "ada@-example.com", "ädä@example.com", f"{'a' * 65}@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_field_name(email):
    with pytest.raises(InvalidRequest, match=r"delivery\.email"):
        parse(email=email)


@pytest.mark.parametrize(
    "name",
    [
        "a\nb",
        "a\rb",
        "a\x00",
        "a\u202eevil",
        "a\u2028b",
        "a\u200bb",
        "http://evil.example",
        "www.evil.example",
        "a@b.co",
        "x" * 81,
    ],
)
@pytest.mark.parametrize("field", ["name", "shopName"])
def test_a_name_is_one_line_of_plain_text(field, name):
    with pytest.raises(InvalidRequest, match=rf"delivery\.{field}"):
        parse(**{field: name})


def test_a_passcode_of_a_former_release_is_what_was_typed_then():
    kept = hash_passcode(" Se\u0301same ", b"s" * 16)
    assert passcode_fits(" Se\u0301same ", kept)
    assert not passcode_fits("S\u00e9same", kept)


@pytest.mark.parametrize(("locale", "language"), [("en-US", "en"), ("AR", "ar"), ("fr_CA", "fr")])
def test_a_locale_stands_for_its_language(locale, language):
    assert parse(locale=locale).recipient.locale == language


def test_protection_is_otp_unless_the_shop_says_otherwise():
    assert parse().recipient.protection == "otp"


@pytest.mark.parametrize(
    "delivery",
    [{"protection": "passcode"}, {"passcode": "river-stone"},
     {"protection": "none", "passcode": "river-stone"}],
)  # fmt: skip
def test_a_passcode_goes_with_its_protection_and_only_there(delivery):
    with pytest.raises(InvalidRequest, match="passcode"):
        parse(**delivery)


def test_a_passcode_is_kept_as_a_salted_slow_hash_and_shows_nowhere():
    recipient = parse(protection="passcode", passcode="river-stone").recipient
    assert "river-stone" not in repr(recipient)
    one, two = (recipient.attributes()["passcode_hash"] for _ in range(2))
    assert one != two
    assert passcode_fits("river-stone", one)
    assert not passcode_fits("river-stove", one)
    assert b"river" not in one


def test_a_passcode_is_hashed_with_the_parameters_that_owasp_recommends(monkeypatch):
    asked = []
    scrypt = hashlib.scrypt
    monkeypatch.setattr(hashlib, "scrypt", lambda *_, **how: asked.append(how) or scrypt(*_, **how))
    kept = hash_passcode("river-stone", b"s" * 16)
    passcode_fits("river-stone", kept)
    for how in asked:
        # https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
        assert (how["n"], how["r"], how["p"]) == (2**14, 8, 5)
    assert len(asked) == 2


def test_what_a_former_release_hashed_still_fits():
    former = hash_passcode("river-stone", b"s" * 16, former=True)
    assert (len(former), len(hash_passcode("river-stone", b"s" * 16))) == (48, 49)
    assert passcode_fits("river-stone", former)
    assert not passcode_fits("river-stove", former)
    for other in (b"", former[:-1], b"\x02" + former, b"\x03" + former):
        assert not passcode_fits("river-stone", other)


def test_a_repeat_is_told_from_another_request_without_a_fast_hash_of_the_passcode():
    salt = b"s" * 32
    first = parse(protection="passcode", passcode="river-stone")
    other = parse(protection="passcode", passcode="river-stove")
    assert first.fingerprint(salt) == first.fingerprint(salt)
    assert first.fingerprint(salt) != other.fingerprint(salt)
    assert first.fingerprint(salt) != first.fingerprint(b"t" * 32)
    assert hash_passcode("river-stone", salt) == hash_passcode("river-stone", salt)


def test_an_adopted_order_may_have_a_recipient():
    body = {"supplierOrderId": "S1", "delivery": {"email": "ada@example.com"}}
    assert NewOrder.parse(body).recipient.email == "ada@example.com"
