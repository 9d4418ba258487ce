"""Download files: the layout customers know, and cells that stay cells."""

import csv
import io
import json

import pytest

from cardvault.core.cards import Card
from cardvault.downloads.formats import FORMATS

CARDS = [(1, Card("AAAA-BBBB", "111")), (2, Card("CCCC-DDDD", None))]


def test_txt_has_its_layout():
    assert FORMATS["txt"].write("0" * 24, CARDS) == (
        "\nGift Card 1\nCode: AAAA-BBBB\nSerial: 111\n--------------------\n"
        "\n"
        "\nGift Card 2\nCode: CCCC-DDDD\n--------------------\n"
    )


def test_a_code_of_several_lines_looks_like_no_other_card():
    forged = Card("A-1\nGift Card 2\nCode: B-2", "S-1\nS-2")
    assert FORMATS["txt"].write("0" * 24, [(1, forged)]) == (
        "\nGift Card 1\nCode: A-1\n      Gift Card 2\n      Code: B-2\n"
        "Serial: S-1\n        S-2\n--------------------\n"
    )


def test_csv_quotes_every_cell():
    assert FORMATS["csv"].write("0" * 24, CARDS) == (
        '"cardNumber","code","serial"\r\n"1","AAAA-BBBB","111"\r\n"2","CCCC-DDDD",""\r\n'
    )


def test_csv_reads_back():
    rows = list(csv.reader(io.StringIO(FORMATS["csv"].write("0" * 24, CARDS))))
    assert rows == [
        ["cardNumber", "code", "serial"],
        ["1", "AAAA-BBBB", "111"],
        ["2", "CCCC-DDDD", ""],
    ]


@pytest.mark.parametrize("code", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x","y")', "\uff1d1"])
def test_a_csv_cell_cannot_become_a_formula(code):
    text = FORMATS["csv"].write("0" * 24, [(1, Card(code, code))])
    (_, row) = csv.reader(io.StringIO(text, newline=""))
    assert row[1:] == [f"'{code}"] * 2


def test_a_file_says_what_it_is():
    told = {name: form.content_type for name, form in FORMATS.items()}
    assert told == {
        "txt": "text/plain; charset=utf-8",
        "csv": "text/csv; charset=utf-8",
        "json": "application/json",
    }


def test_json_has_its_layout():
    assert FORMATS["json"].write("0" * 24, [(1, Card("é", None))]) == (
        '{\n  "orderId": "000000000000000000000000",\n  "cards": [\n    {\n'
        '      "cardNumber": 1,\n      "code": "é",\n      "serial": null\n    }\n  ]\n}\n'
    )


def test_json_has_the_fields_of_the_api():
    assert json.loads(FORMATS["json"].write("0" * 24, CARDS)) == {
        "orderId": "0" * 24,
        "cards": [
            {"cardNumber": 1, "code": "AAAA-BBBB", "serial": "111"},
            {"cardNumber": 2, "code": "CCCC-DDDD", "serial": None},
        ],
    }
