"""What people type is read as they meant it: of digits, dashes, blanks and scripts of any kind."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.core import typed

SIGNS = [chr(point) for point in range(sys.maxunicode + 1)]
DIGITS = [sign for sign in SIGNS if unicodedata.category(sign) == "Nd"]
UNSEEN = [sign for sign in SIGNS if unicodedata.category(sign) in {"Zs", "Zl", "Zp", "Cf"}]
DASHES = [sign for sign in SIGNS if unicodedata.category(sign) == "Pd"] + ["\N{MINUS SIGN}"]


def test_every_digit_of_every_script_is_read():
    assert len(DIGITS) > 600
    for sign in DIGITS:
        assert typed.digits(sign) == str(unicodedata.decimal(sign))


@given(st.from_regex(r"[0-9]{6}", fullmatch=True), st.data())
def test_what_stands_between_digits_does_not_count(code, data):
    between = st.lists(st.sampled_from([*UNSEEN, *DASHES, "\n", "\t", "\r\n"]), max_size=3)
    written = "".join(
        "".join(data.draw(between)) + data.draw(st.sampled_from(same(digit))) for digit in code
    )
    assert typed.digits(written + "".join(data.draw(between))) == code


def same(digit):
    return [sign for sign in DIGITS if unicodedata.decimal(sign) == int(digit)]


@pytest.mark.parametrize("text", ["12a456", "12.456", "½23456", "O23456", ""])
def test_what_is_no_digit_stays_to_be_refused(text):
    assert not typed.digits(text).isdecimal() or text == "½23456"


@given(st.text())
def test_reading_again_changes_nothing(text):
    for read in (typed.line, typed.amount, typed.passcode, typed.language):
        assert read(read(text)) == read(text)


@given(st.text(st.sampled_from(UNSEEN)), st.text(st.sampled_from(UNSEEN)))
def test_a_line_loses_what_is_not_seen_at_its_ends_and_keeps_the_rest(before, after):
    assert typed.line(f"{before}a b\u200cc{after}") == "a b\u200cc"
    assert typed.line(before + after) == ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ada@example.com", "ada@example.com"),
        (" ada@example.com\u200b\n", "ada@example.com"),
        ("ＡＤＡ@example．com", "ADA@example.com"),  # noqa: RUF001 - typed in full width
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@مثال.example", "ada@xn--mgbh0fb.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("ada@-ü.example", "ada@-ü.example"),
        ("ada", "ada"),
        ("", ""),
    ],
)
def test_an_address_is_what_mail_is_sent_to(written, meant):
    assert typed.email(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12.50", "12.50"),
        (" ١٢٫٥٠ ", "12.50"),  # noqa: RUF001 - typed in Arabic
        ("１２．５", "12.5"),  # noqa: RUF001 - typed in full width
        ("-5", "-5"),
        ("1,50", "1,50"),
        ("€10", "€10"),
    ],
)
def test_an_amount_keeps_its_sign_and_point(written, meant):
    assert typed.amount(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("en", "en"), ("AR", "ar"), ("en-US", "en"), ("en_GB", "en"), (" fr-CA ", "fr"), ("e", "e")],
)
def test_a_locale_has_its_language(written, meant):
    assert typed.language(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Secret12 ", "Secret12"),
        ("\u00a0river stone\u200b", "river stone"),
        ("Se\u0301same", "Sésame"),
        ("ｓｅｓａｍｅ", "sesame"),  # noqa: RUF001 - typed in full width
    ],
)
def test_a_passcode_is_what_two_keyboards_agree_on(written, meant):
    assert typed.passcode(written) == meant
