"""Download files: the layout customers know, and cells that stay cells."""

import csv
import io
import json
import tempfile
from urllib.parse import unquote
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pytest

from cardvault.core.cards import Card
from cardvault.downloads.formats import FORMATS
from cardvault.downloads.spreadsheet import LONGEST_CELL
from cardvault.downloads.words import disposition
from cardvault.errors import InvalidRequest
from cardvault.orders.records import OrderRecord

ORDER = OrderRecord("0" * 24, created_at="2026-01-02T03:04:05.678Z")
FIRST = f"Order {'0' * 24} · 2026-01-02"
CARDS = [(1, Card("AAAA-BBBB", "111")), (2, Card("CCCC-DDDD", None))]


SHOWN = OrderRecord(
    "0" * 24,
    created_at="2026-01-02T03:04:05.678Z",
    shop_name="Café «Été»",
    title="Arcade card 25 €",
    instructions="Open the app.\nEnter the code.",
    redeem_url="https://arcade.example/redeem",
)
HEAD = [
    f"Café «Été» · {FIRST}",
    "Arcade card 25 €",
    "Open the app.",
    "Enter the code.",
    "https://arcade.example/redeem",
]


def written(file_format, cards, order=ORDER):
    return FORMATS[file_format].write(order, cards).decode()


def test_a_file_says_first_what_the_cards_are_and_how_to_redeem_them():
    layout = written("txt", CARDS).removeprefix(f"{FIRST}\n")
    assert written("txt", CARDS, SHOWN) == "\n".join([*HEAD, layout])
    told = json.loads(written("json", CARDS, SHOWN))
    assert told.pop("title") == HEAD[1]
    assert told.pop("instructions") == "Open the app.\nEnter the code."
    assert told.pop("redeemUrl") == HEAD[4]
    assert told == json.loads(written("json", CARDS))
    rows = cells(FORMATS["xlsx"].write(SHOWN, CARDS), head=5)
    assert [row[0] for row in rows[:5]] == HEAD
    assert rows[5:] == cells(FORMATS["xlsx"].write(ORDER, CARDS))[1:]
    assert written("csv", CARDS, SHOWN) == written("csv", CARDS)


def test_txt_has_its_layout():
    assert written("txt", CARDS) == (
        f"{FIRST}\n\nGift Card 1\nCode: AAAA-BBBB\nSerial: 111\n--------------------\n"
        "\n"
        "\nGift Card 2\nCode: CCCC-DDDD\n--------------------\n"
    )


def test_a_code_of_several_lines_looks_like_no_other_card():
    forged = Card("A-1\nGift Card 2\nCode: B-2", "S-1\nS-2")
    assert written("txt", [(1, forged)]) == (
        f"{FIRST}\n\nGift Card 1\nCode: A-1\n      Gift Card 2\n      Code: B-2\n"
        "Serial: S-1\n        S-2\n--------------------\n"
    )


def test_csv_quotes_every_cell():
    assert written("csv", CARDS) == (
        '\ufeff"cardNumber","code","serial"\r\n"1","AAAA-BBBB","111"\r\n"2","CCCC-DDDD",""\r\n'
    )


def test_csv_reads_back():
    rows = list(csv.reader(io.StringIO(written("csv", CARDS)[1:])))
    assert rows == [
        ["cardNumber", "code", "serial"],
        ["1", "AAAA-BBBB", "111"],
        ["2", "CCCC-DDDD", ""],
    ]


@pytest.mark.parametrize("code", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x","y")', "\uff1d1"])
def test_a_csv_cell_cannot_become_a_formula(code):
    text = written("csv", [(1, Card(code, code))])
    (_, row) = csv.reader(io.StringIO(text, newline=""))
    assert row[1:] == [f"'{code}"] * 2


def test_a_file_says_what_it_is():
    told = {name: form.content_type for name, form in FORMATS.items()}
    assert told == {
        "txt": "text/plain; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv": "text/csv; charset=utf-8",
        "json": "application/json",
    }


SHEET = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
SHEET_PART = "xl/worksheets/sheet1.xml"
AS_TEXT = "49"  # the number of the format @
CODES = [
    "0012345678901234",
    "1234567890123456",
    "12E5",
    "0007",
    "-9981-2234",
    "=1+1",
    "'=1+1",
    "https://example.com/redeem?c=CANARY",
    "one\ntwo",
    "é\u0661",
]


def cells(content, head=1):
    """The rows of the sheet: each cell's text. Every cell is a text under the format of texts."""
    book = ZipFile(io.BytesIO(content))
    parts = {name: ET.fromstring(book.read(name)) for name in book.namelist()}  # noqa: S314 - ours
    texts = ["".join(item.itertext()) for item in parts["xl/sharedStrings.xml"]]
    styles = parts["xl/styles.xml"].findall("s:cellXfs/s:xf", SHEET)
    rows = parts["xl/worksheets/sheet1.xml"].findall("s:sheetData/s:row", SHEET)
    for row in rows[head + 1 :]:
        for cell in row:
            assert cell.get("t") == "s" or cell.find("s:v", SHEET) is None
            assert styles[int(cell.get("s"))].get("numFmtId") == AS_TEXT
    assert not [name for name in parts if "rels" in name and "hyperlink" in str(book.read(name))]
    found = [[cell.find("s:v", SHEET) for cell in row] for row in rows]
    return [["" if v is None else texts[int(v.text)] for v in row] for row in found]


@pytest.mark.parametrize("code", CODES)
def test_a_spreadsheet_keeps_every_code_as_it_is(code):
    content = FORMATS["xlsx"].write(ORDER, [(1, Card(code, code)), (2, Card(code, None))])
    assert b'ySplit="2" topLeftCell="A3"' in ZipFile(io.BytesIO(content)).read(SHEET_PART)
    _, *rows = cells(content)
    assert rows == [["Gift Card", "Code", "Serial"], ["1", code, code], ["2", code, ""]]


def test_i1_a_spreadsheet_is_made_without_a_file_on_disk(monkeypatch):
    for name in ("mkstemp", "mkdtemp", "TemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, None)
    many = [(number, Card(f"CANARY-{number}", None)) for number in range(1, 1_001)]
    assert len(cells(FORMATS["xlsx"].write(ORDER, many))) == 1_002


def test_a_code_that_no_cell_holds_is_refused_and_not_cut():
    longest = Card("x" * LONGEST_CELL, None)
    assert cells(FORMATS["xlsx"].write(ORDER, [(1, longest)]))[2][1] == longest.value
    for card in (Card("x" * LONGEST_CELL + "y", None), Card("x", "y" * LONGEST_CELL + "y")):
        with pytest.raises(InvalidRequest, match="too long for a spreadsheet"):
            FORMATS["xlsx"].write(ORDER, [(1, card)])


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("fr", ["Commande", "Carte cadeau 1", "N° de série: 111", "Cartes cadeau"]),
        ("ar", ["الطلب", "بطاقة هدايا 1", "الرقم التسلسلي: 111", "بطاقات هدايا"]),
        (None, ["Order", "Gift Card 1", "Serial: 111", "Gift cards"]),
    ],
)
def test_a_file_for_people_speaks_the_orders_language(locale, told):
    order = OrderRecord("0" * 18 + "abcdef", created_at="2026-01-02T03:04:05.678Z", locale=locale)
    text = written("txt", CARDS, order)
    assert all(words in text for words in told[:3])
    _, labels, *_ = cells(FORMATS["xlsx"].write(order, CARDS))
    assert labels == [
        told[1].removesuffix(" 1"),
        "Code" if locale != "ar" else "الرمز",
        *labels[2:],
    ]
    name = unquote(disposition(order, "txt").partition("UTF-8''")[2])
    assert name == f"{told[3]} 2026-01-02 abcdef.txt"
    assert written("csv", CARDS, order) == written("csv", CARDS)


@pytest.mark.parametrize("shop", ["Café «Été»", '../a"b\\c', "متجر", "x" * 80, None])
def test_a_file_is_named_for_any_shop(shop):
    order = OrderRecord("0" * 24, created_at="2026-01-02T03:04:05.678Z", shop_name=shop)
    header = disposition(order, "xlsx")
    assert header.isascii()
    assert header.startswith(f'attachment; filename="cards-{"0" * 24}.xlsx"; ')
    assert not set('/\\"') & set(unquote(header.partition("UTF-8''")[2]))


def test_json_has_its_layout():
    assert written("json", [(1, Card("é", None))]) == (
        '{\n  "orderId": "000000000000000000000000",\n  "cards": [\n    {\n'
        '      "cardNumber": 1,\n      "code": "é",\n      "serial": null\n    }\n  ]\n}\n'
    )


def test_json_has_the_fields_of_the_api():
    assert json.loads(written("json", CARDS)) == {
        "orderId": "0" * 24,
        "cards": [
            {"cardNumber": 1, "code": "AAAA-BBBB", "serial": "111"},
            {"cardNumber": 2, "code": "CCCC-DDDD", "serial": None},
        ],
    }
