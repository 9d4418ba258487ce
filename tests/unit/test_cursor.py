"""A page's cursor: what it names comes back, and nothing else passes for one."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.core.clock import from_text
from cardvault.core.ids import is_id
from cardvault.errors import InvalidRequest
from cardvault.http.cursor import decode, encode, is_count

ID, MOMENT = "0a" * 12, "2026-01-02T03:04:05.000Z"


@given(st.lists(st.text() | st.integers(), max_size=4))
def test_a_place_comes_back_as_it_was(place):
    cursor = encode(*place)
    assert decode(cursor, *[lambda _: True] * len(place)) == place
    assert cursor.isascii()
    assert not set(cursor) & set("+/=")


@given(st.text() | st.binary().map(lambda some: base64.urlsafe_b64encode(some).decode()))
def test_whatever_comes_is_a_place_or_refused_by_name(text):
    with pytest.raises(InvalidRequest, match=r"^cursor is not one of ours$"):
        decode(text, from_text, is_id)


@pytest.mark.parametrize(
    "place",
    [
        [],
        [MOMENT],
        [ID, MOMENT],
        [MOMENT, ID, ID],
        [MOMENT, 1],
        [1, ID],
        [None, ID],
        [MOMENT, [ID]],
    ],
)
def test_another_lists_cursor_is_refused(place):
    with pytest.raises(InvalidRequest, match="cursor"):
        decode(encode(*place), from_text, is_id)


@pytest.mark.parametrize("place", [{"a": 1, "b": 2}, "ab", 7, None, True])
def test_what_is_no_list_is_refused(place):
    cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
    with pytest.raises(InvalidRequest, match="cursor"):
        decode(cursor, bool, bool)


@pytest.mark.parametrize("number", [0, -1, 10**9, True, 1.0, "1", None])
def test_a_number_counts_from_one(number):
    assert not is_count(number)
    with pytest.raises(InvalidRequest):
        decode(encode(number), is_count)


def test_a_deeply_nested_cursor_is_refused():
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    with pytest.raises(InvalidRequest):
        decode(deep, is_id)


def test_the_cursors_of_earlier_releases_lead_on():
    earlier = base64.urlsafe_b64encode(json.dumps([MOMENT, ID]).encode()).decode()
    assert decode(earlier, from_text, is_id) == [MOMENT, ID]
