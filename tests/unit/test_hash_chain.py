"""The hash chain: whatever is done to a record, the break is found where it is."""

from dataclasses import dataclass, replace

import pytest

from cardvault.core import hash_chain
from cardvault.core.hash_chain import Break, Head


@dataclass
class Record:
    seq: int
    previous_hash: str
    said: str = "é"
    hash: str = ""

    def computed_hash(self) -> str:
        return hash_chain.hash_of(vars(self))


@pytest.fixture
def records() -> list[Record]:
    made, before = [], hash_chain.FIRST_PREVIOUS_HASH
    for seq in (1, 2, 3):
        record = Record(seq, before)
        record.hash = before = record.computed_hash()
        made.append(record)
    return made


@pytest.fixture
def head(records: list[Record]) -> Head:
    return Head(3, records[-1].hash)


def test_a_whole_chain_has_no_break(records, head):
    assert list(hash_chain.breaks(records, head)) == []
    assert list(hash_chain.breaks([], Head())) == []


def test_a_changed_record_is_altered(records, head):
    records[1].said = "e"
    assert list(hash_chain.breaks(records, head)) == [Break(2, "altered")]


def test_a_removed_record_is_missing_and_the_next_does_not_follow(records, head):
    found = list(hash_chain.breaks([records[0], records[2]], head))
    assert found == [Break(2, "missing"), Break(3, "does not follow the one before it")]


def test_a_record_hashed_anew_is_followed_by_none(records, head):
    records[1].said = "e"
    records[1].hash = records[1].computed_hash()
    assert list(hash_chain.breaks(records, head)) == [Break(3, "does not follow the one before it")]


def test_the_head_tells_an_end_that_is_cut_off_changed_or_added(records, head):
    assert list(hash_chain.breaks(records[:2], head)) == [Break(3, "missing")]
    added = list(hash_chain.breaks(records, Head(2, records[1].hash)))
    assert added == [Break(3, "added after the head")]
    changed = replace(records[2], said="e")
    changed.hash = changed.computed_hash()
    assert list(hash_chain.breaks([*records[:2], changed], head)) == [
        Break(3, "not the one that the head names")
    ]


def test_the_next_record_follows_its_head_and_no_other_does(records):
    first, second, third = records
    after_first = Head(1, first.hash)
    assert hash_chain.follows(first, Head())
    assert hash_chain.follows(second, after_first)
    for other in (first, third, replace(second, seq=3), replace(second, previous_hash=third.hash)):
        rehashed = replace(other, hash=other.computed_hash())
        assert not hash_chain.follows(rehashed, after_first)


def test_a_record_that_was_changed_follows_nothing(records):
    assert not hash_chain.follows(replace(records[0], said="e"), Head())
