"""Ids that sort by age, and times that are always UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault.core.clock import from_text, to_text, utc_now
from cardvault.core.ids import is_id, new_id

# From 1970 until four bytes of seconds end, in 2106.
moments = st.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
anywhere = st.datetimes(timezones=offsets).filter(lambda moment: 1 < moment.year < 9999)


def to_millisecond(moment):
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


# --- ids ---


@given(moments)
def test_an_id_has_the_shape_of_one_and_its_time_in_front(now):
    made = new_id(now)
    assert is_id(made)
    assert int(made[:8], 16) == int(now.timestamp())


@given(moments, moments)
def test_ids_sort_by_time(one, other):
    earlier, later = sorted([one, other])
    if int(earlier.timestamp()) < int(later.timestamp()):
        assert new_id(earlier) < new_id(later)


def test_ids_of_one_moment_differ():
    now = utc_now()
    assert len({new_id(now) for _ in range(1000)}) == 1000


@given(st.text())
def test_only_24_small_hex_digits_are_an_id(text):
    assert is_id(text) == (len(text) == 24 and set(text) <= set("0123456789abcdef"))


@pytest.mark.parametrize("text", ["0" * 24 + "\n", "A" * 24, "\u0660" * 24])
def test_what_only_looks_like_an_id_is_none(text):
    assert not is_id(text)


# --- times ---


@given(anywhere)
def test_a_moment_comes_back_from_its_text_to_the_millisecond(moment):
    back = from_text(to_text(moment))
    assert back == to_millisecond(moment)
    assert back.tzinfo is UTC


@given(anywhere, anywhere)
def test_texts_sort_as_the_moments_they_name(one, other):
    one, other = to_millisecond(one), to_millisecond(other)
    assert (to_text(one) < to_text(other)) == (one < other)


@given(anywhere)
def test_a_text_is_rfc_3339_in_utc(moment):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", to_text(moment))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05.678Z", datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)),
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T05:04:05+02:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-01T22:34:05-04:30", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02T03:04:05.123456Z", datetime(2026, 1, 2, 3, 4, 5, 123_456, tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_read(text, moment):
    assert from_text(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("", "None", "now", "1767323045", "2026-01-02", "02/01/2026", "2026-01-02T03:04:05"),
        *("2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z", "2026-01-02T25:04:05Z"),
    ],
)
def test_anything_else_or_a_time_without_an_offset_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - what it promises, whatever it says
        from_text(text)


def test_the_present_is_utc_to_the_millisecond():
    now = utc_now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)
