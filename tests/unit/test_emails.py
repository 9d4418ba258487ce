"""E-mail messages: right in three languages, harmless whatever a name holds, and without a code."""

import email.policy
import re
from datetime import UTC, datetime
from email.parser import HeaderParser
from html.parser import HTMLParser

import pytest

from cardvault.mail.message import long_date, plural, render
from cardvault.mail.ses import sender_line
from cardvault.orders.recipient import LANGUAGES

TOKEN = "t" * 43
NASTY = '<script>alert(1)</script>"\r\nBcc: eve@example.com\r\n\r\n<img src=x onerror=alert(1)>'
DELIVERY = {
    "shop": "Corner Shop",
    "name": "Ada",
    "order_id": "0" * 24,
    "count": 3,
    "missing": 0,
    "title": None,
    "protection": "otp",
    "expires_at": datetime(2026, 1, 9, 3, 4, tzinfo=UTC),
    "url": f"https://cards.example/claim#{TOKEN}",
}
CODE = {"shop": "Corner Shop", "name": None, "code": "123456", "order_id": "1", "minutes": 10}
REFUND = {"shop": "Corner Shop", "name": None, "order_id": "0" * 24}
EMAILS = [("delivery", DELIVERY), ("code", CODE), ("refund", REFUND)]


class Outline(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.html_attributes = [], [], {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "html":
            self.html_attributes = dict(attrs)
        self.links += [value for name, value in attrs if name in {"href", "src"}]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "values"), EMAILS)
def test_every_letter_exists_in_every_language_as_html_and_text(name, values, language):
    email = render(name, language, **values)
    assert email.subject
    assert email.text
    outline = Outline(email.html)
    assert outline.html_attributes == {
        "lang": language,
        "dir": "rtl" if language == "ar" else "ltr",
    }
    assert "{" not in email.text + email.subject
    assert "Corner Shop" in email.subject + email.text


def test_a_language_we_do_not_have_falls_back_to_english():
    assert render("refund", "de", **REFUND).subject.startswith("Your order")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_has_link_expiry_and_order_and_no_other_link(language):
    email = render("delivery", language, **DELIVERY)
    expiry = long_date(DELIVERY["expires_at"], language)
    for part in (email.text, email.html):
        assert DELIVERY["url"] in part
        assert expiry in part
        assert DELIVERY["order_id"] in part
    assert Outline(email.html).links == [DELIVERY["url"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_says_what_the_cards_are_when_the_shop_does(language):
    named = render("delivery", language, **{**DELIVERY, "title": "Arcade card 25 €"})
    plain = render("delivery", language, **DELIVERY)
    assert named.text != plain.text
    assert re.sub("[,،] Arcade card 25 €", "", named.text) == plain.text
    assert Outline(named.html).links == [DELIVERY["url"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_partial_fill_says_so_and_a_full_one_does_not(language):
    whole = render("delivery", language, **DELIVERY).text
    partial = render("delivery", language, **{**DELIVERY, "count": 2, "missing": 1}).text
    assert len(partial.split("\n\n")) == len(whole.split("\n\n")) + 1


@pytest.mark.parametrize(("name", "values"), EMAILS)
def test_a_name_can_add_no_markup_no_line_and_no_header(name, values):
    email = render(name, "en", **{**values, "shop": NASTY, "name": NASTY})
    tags = Outline(email.html).tags
    assert "script" not in tags
    assert "img" not in tags
    assert len(email.subject.splitlines()) == 1
    assert "\nBcc:" not in email.text


@pytest.mark.parametrize("shop", [NASTY, "L'Épicerie", "متجر", 'A "quoted", shop; <x@y>', "é" * 80])
def test_a_shop_name_stays_inside_the_sender_s_name(shop):
    line = sender_line(shop, "cards@shop.example")
    assert line.isascii()
    assert len(line.splitlines()) == 1
    parser = HeaderParser(policy=email.policy.default)
    (address,) = parser.parsestr(f"From: {line}\n\n")["from"].addresses
    assert address.addr_spec == "cards@shop.example"
    assert address.display_name == " ".join(shop.split())


def test_dates_are_written_as_people_of_the_language_write_them():
    moment = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
    assert long_date(moment, "en") == "1 March 2026, 14:05 UTC"
    assert long_date(moment, "fr") == "1er mars 2026, 14:05 UTC"
    assert long_date(moment, "ar") == "1 مارس 2026، 14:05 UTC"


@pytest.mark.parametrize(
    ("count", "kind"),
    [(1, "one"), (2, "two"), (3, "few"), (10, "few"), (11, "many"), (99, "many"), (100, "other"),
     (102, "other"), (103, "few"), (111, "many")],
)  # fmt: skip
def test_arabic_counts_in_six_ways(count, kind):
    assert plural(count, "ar") == kind


@pytest.mark.parametrize(("language", "one"), [("en", "gift card "), ("fr", "carte cadeau")])
def test_one_card_is_one(language, one):
    email = render("delivery", language, **{**DELIVERY, "count": 1})
    assert one.strip() in email.text
    assert "gift cards are" not in email.text
