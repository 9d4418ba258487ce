"""CSV: what a text holds stays text, whatever a spreadsheet takes for the separator."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardvault.http.csv import write

SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
TEXTS = st.text(st.sampled_from("aé1=+-@\uff1d;,\"' \t\r\n|\\"), max_size=12)


def read(text, delimiter=","):
    return list(
        csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    )


@given(TEXTS, TEXTS)
@example("invoice 7;=HYPERLINK(A1)", "")
@example("1;=1+1;2", "two")
@example('x;"=1', "\n=1")
@example(';"";=1', "; =1")
def test_no_text_becomes_a_formula_whatever_separates(first, second):
    text = write(["a", "b"], [[first, second], [second, first]])
    for delimiter in ",;\t":
        for row in read(text, delimiter):
            assert not any(cell.lstrip().startswith(SIGNS) for cell in row)


@given(TEXTS, TEXTS)
def test_a_text_reads_back_but_for_the_apostrophes(first, second):
    (_, row) = read(write(["a", "b"], [[first, second]]))
    assert [cell.replace("'", "") for cell in row] == [
        cell.replace("'", "") for cell in (first, second)
    ]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("=1", "'=1"),
        ("a;-1", "a;'-1"),
        ("a\n@b", "a\n'@b"),
        ("a-b; c+d, =e", "a-b; c+d, =e"),
        (None, ""),
        (-5, "-5"),
        (Decimal("-5.00"), "-5.00"),
    ],
)
def test_a_text_gets_an_apostrophe_where_a_cell_could_begin_and_a_number_none(given, written):
    text = write(["a"], [[given]])
    assert text.startswith('\ufeff"a"\r\n"')
    assert read(text)[1] == [written]
