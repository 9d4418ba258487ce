"""The chain of a subject's audit events, which one function alone may write.

It is fed by the table's stream, so it chains what was first put, whatever lies there since. In one
transaction it deletes waiting events, puts them as the chain's next ones, and moves the chain's
head: an event that comes again finds that it waits no more, and nothing happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import AttributeDeserializationError
from pynamodb.expressions.condition import Condition

from cardvault.audit.events import EventName
from cardvault.audit.trail import AuditRecord, read_waiting, subject_of
from cardvault.aws import tables
from cardvault.aws.logs import logger
from cardvault.aws.retries import retry_lost_races
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core.hash_chain import Head
from cardvault.core.ids import is_id

# Two writes for each event and one for the head: a transaction takes 100.
MOST_AT_ONCE = 40
LONGEST_TEXT = 1_024
HEAD_SEQ = 0
_OF_THE_CHAIN = {"eventId", "previousHash", "hash"}


class ChainHead(Record):
    """Where a subject's chain ends. It lies where an event numbered 0 would."""

    class Meta:
        setting = "audit_table"

    subject_id = UnicodeAttribute(hash_key=True, attr_name="subjectId")
    seq = NumberAttribute(range_key=True, default=HEAD_SEQ)
    last_seq = NumberAttribute(attr_name="lastSeq")
    last_hash = UnicodeAttribute(attr_name="lastHash")

    @property
    def head(self) -> Head:
        """The same as a value."""
        return Head(int(self.last_seq), self.last_hash)


class Overwritten(Record):
    """That an event's overwriting was recorded, by the id of its record in the stream."""

    class Meta:
        setting = "audit_table"

    record_id = UnicodeAttribute(hash_key=True, attr_name="subjectId")
    seq = NumberAttribute(range_key=True, default=0)


class MalformedEvent(ValueError):
    """A waiting event that no function of ours has put. It is left where it is."""


@dataclass(frozen=True, slots=True)
class Overwriting:
    """A waiting event that was put a second time: the first form, and what the stream says."""

    event: AuditRecord
    record_id: str


def parse(image: Mapping[str, Any]) -> AuditRecord:
    """A waiting event, from DynamoDB's JSON. Raises MalformedEvent."""
    known = {attribute.attr_name for attribute in AuditRecord.get_attributes().values()}
    if not set(image) <= known - _OF_THE_CHAIN:
        raise MalformedEvent
    try:
        event = AuditRecord.from_raw_data(dict(image))
    except (AttributeDeserializationError, ValueError, TypeError):
        raise MalformedEvent from None
    is_text = {name for name, value in image.items() if "S" in value}
    texts = {name: value for name, value in event.fields().items() if name in is_text}
    numbers = {name: value for name, value in event.fields().items() if name not in is_text}
    well_formed = (
        {"event", "timestamp", "tenantId"} <= set(texts)
        and all(len(str(text)) <= LONGEST_TEXT for text in texts.values())
        and all(isinstance(number, int) for number in numbers.values())
        and is_id(subject_of(event))
    )
    if not well_formed:
        raise MalformedEvent
    return event


def head_of(subject_id: str) -> Head:
    """Where the subject's chain ends: as its head says, else at its last event."""
    return _head_of(subject_id)[0]


def kept_head(subject_id: str) -> Head | None:
    """The head that is kept of a chain, if one is."""
    kept = tables.find(ChainHead, subject_id, HEAD_SEQ)
    return None if kept is None else kept.head


def head_with_condition(subject_id: str) -> tuple[Head, Condition]:
    """The head that is kept, the beginning if none is, and the condition that it still is so."""
    kept = kept_head(subject_id)
    if kept is None:
        return Head(), ChainHead.subject_id.does_not_exist()
    return kept, (ChainHead.last_seq == kept.seq) & (ChainHead.last_hash == kept.hash)


def _head_of(subject_id: str) -> tuple[Head, Condition]:
    """The head, and the condition that it still is."""
    kept, unmoved = head_with_condition(subject_id)
    if kept.seq:
        return kept, unmoved
    last = AuditRecord.query(
        subject_id, AuditRecord.seq > 0, scan_index_forward=False, limit=1, consistent_read=True
    )
    # Former releases kept the head with the order, or with the guard of a gift card.
    heads = [Head(int(event.seq), str(event.hash)) for event in tables.read_all(last)]
    return heads[0] if heads else kept, unmoved


def chain(events: Sequence[AuditRecord]) -> int:
    """Chain one subject's waiting events in this order; those that wait no more are left out.

    Returns how many were chained. Raises TooManyWriters.
    """
    parts = (events[first : first + MOST_AT_ONCE] for first in range(0, len(events), MOST_AT_ONCE))
    return sum(_chain(part) for part in parts)


@retry_lost_races
def _chain(events: Sequence[AuditRecord]) -> int:
    subject_id = subject_of(events[0])
    numbers = [int(event.seq) for event in events]
    waiting = _still_waiting(subject_id, min(numbers), max(numbers))
    left = [event for event in events if int(event.seq) in waiting]
    if not left:
        return 0
    head, unmoved = _head_of(subject_id)
    work = UnitOfWork()
    for event in left:
        work.delete(event, AuditRecord.subject_id.exists())
        head = _append(work, head, event)
    _move_head(work, subject_id, head, unmoved)
    return len(left)


@retry_lost_races
def record_overwriting(overwriting: Overwriting) -> None:
    """Chain an event that says so, once. Raises TooManyWriters."""
    marker = Overwritten(f"OVERWRITTEN#{overwriting.record_id}")
    if tables.find(Overwritten, marker.record_id, 0) is not None:
        return
    event = overwriting.event
    subject_id = subject_of(event)
    overwritten = AuditRecord(
        event.subject_id,
        event.seq,
        event=EventName.AUDIT_EVENT_OVERWRITTEN,
        timestamp=event.timestamp,
        tenant_id=event.tenant_id,
        reason=f"{event.event} was put again",
    )
    head, unmoved = _head_of(subject_id)
    work = UnitOfWork()
    work.save(marker, Overwritten.record_id.does_not_exist())
    _move_head(work, subject_id, _append(work, head, overwritten), unmoved)


def _still_waiting(subject_id: str, first: int, last: int) -> set[int]:
    found = read_waiting(subject_id, after=first - 1, up_to=last)
    return {int(event.seq) for event in found}


def _append(work: UnitOfWork, head: Head, event: AuditRecord) -> Head:
    """Add the event to the unit of work as the chain's next; returns the head it makes."""
    record = AuditRecord.from_raw_data(event.serialize())
    record.subject_id, record.seq = subject_of(event), head.seq + 1
    record.event_id, record.previous_hash = str(int(event.seq)), head.hash
    record.hash = record.computed_hash()
    work.save(record, AuditRecord.subject_id.does_not_exist())
    return Head(head.seq + 1, record.hash)


def _move_head(work: UnitOfWork, subject_id: str, head: Head, unmoved: Condition) -> None:
    """Commit, and leave the new head in the log, where no role of ours can change it."""
    work.save(_kept(subject_id, head), unmoved)
    work.commit()
    _log_head(subject_id, head)


def move_head(subject_id: str, head: Head, unmoved: Condition) -> None:
    """Move a chain's head alone, as `_move_head`. Raises LostRace."""
    tables.put(_kept(subject_id, head), unmoved)
    _log_head(subject_id, head)


def _kept(subject_id: str, head: Head) -> ChainHead:
    return ChainHead(subject_id, HEAD_SEQ, last_seq=head.seq, last_hash=head.hash)


def _log_head(subject_id: str, head: Head) -> None:
    logger.info("audit chain", subjectId=subject_id, lastSeq=head.seq, lastHash=head.hash)
