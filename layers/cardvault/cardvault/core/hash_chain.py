"""A hash chain: records numbered from 1, each with its own hash and that of the record before it.

Who changes, removes or inserts a record breaks the chain there, for the head is kept elsewhere.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

FIRST_PREVIOUS_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the number of its last record, and that record's hash."""

    seq: int = 0
    hash: str = FIRST_PREVIOUS_HASH


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold, and how."""

    seq: int
    why: str


class ChainedRecord(Protocol):
    """A record of a chain. `computed_hash` is what `hash` must be: see `hash_of`."""

    seq: Any
    hash: Any
    previous_hash: Any

    def computed_hash(self) -> str:
        """The hash of the record as it is."""


def hash_of(fields: Mapping[str, Any]) -> str:
    """SHA-256, hex, over the canonical JSON of the stored fields but `hash`."""
    content = {name: value for name, value in fields.items() if name != "hash"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_of_state(fields: Mapping[str, Any], *, without: Collection[str]) -> str:
    """SHA-256, hex, over what a record is now: its stored fields but for some, bytes in hex."""
    return hash_of(
        {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in fields.items()
            if name not in without
        }
    )


def follows(record: ChainedRecord, head: Head) -> bool:
    """Whether the record is the chain's next after `head`, unaltered."""
    in_place = record.seq == head.seq + 1 and record.previous_hash == head.hash
    return in_place and bool(record.hash == record.computed_hash())


def breaks(records: Iterable[ChainedRecord], head: Head) -> Iterator[Break]:
    """Every place where the chain from the first record to `head` does not hold, in order."""
    at = Head()
    for record in records:
        if record.seq != at.seq + 1:
            yield Break(at.seq + 1, "missing")
        if record.hash != record.computed_hash():
            yield Break(record.seq, "altered")
        if record.previous_hash != at.hash:
            yield Break(record.seq, "does not follow the one before it")
        at = Head(record.seq, record.hash)
    if at.seq < head.seq:
        yield Break(at.seq + 1, "missing")
    elif at.seq > head.seq:
        yield Break(head.seq + 1, "added after the head")
    elif at != head:
        yield Break(at.seq, "not the one that the head names")
