"""The audit trail: append-only events, chained by hash per subject.

Each event holds the SHA-256 of itself and of the event before it; the subject (an order, say)
holds the chain's head, sequence and hash. An event and the effect it tells of are written in one
transaction, with the head in its condition, so there is neither an effect without its event nor
an event without its effect. The fields are a closed list: no card data has a place here (I1, I7).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import UnitOfWork

USER_AGENT_LENGTH = 256
FIRST_PREVIOUS_HASH = "0" * 64


class AuditRecord(Record):
    """One event, as stored. Attribute names are those of the API."""

    class Meta:
        setting = "audit_table"

    subject_id = UnicodeAttribute(hash_key=True, attr_name="subjectId")
    seq = NumberAttribute(range_key=True)
    event = UnicodeAttribute()
    timestamp = UnicodeAttribute()
    tenant_id = UnicodeAttribute(attr_name="tenantId")
    user_id = UnicodeAttribute(attr_name="userId", null=True)
    client_id = UnicodeAttribute(attr_name="clientId", null=True)
    method = UnicodeAttribute(null=True)
    card_count = NumberAttribute(attr_name="cardCount", null=True)
    reason = UnicodeAttribute(null=True)
    ip_address = UnicodeAttribute(attr_name="ipAddress", null=True)
    user_agent = UnicodeAttribute(attr_name="userAgent", null=True)
    previous_hash = UnicodeAttribute(attr_name="previousHash")
    hash = UnicodeAttribute()

    def fields(self) -> dict[str, str | int]:
        """Every attribute that is set, under its stored name."""
        names = (attribute.attr_name for attribute in self.get_attributes().values())
        values = ((name, self.attribute_values.get(self._python_name(name))) for name in names)
        return {name: value for name, value in values if value is not None}

    def computed_hash(self) -> str:
        """SHA-256, hex, over the canonical JSON of all fields but the hash itself."""
        content = {name: value for name, value in self.fields().items() if name != "hash"}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def _python_name(cls, stored: str) -> str:
        return cls._dynamo_to_python_attr(stored)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, who did it and from where. `method` is in-app, email or download."""

    name: str
    user_id: str | None = None
    client_id: str | None = None
    method: str | None = None
    card_count: int | None = None
    reason: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the number of its last event, and that event's hash."""

    seq: int = 0
    hash: str = FIRST_PREVIOUS_HASH


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a chain does not hold, and how."""

    seq: int
    why: str


def append(
    work: UnitOfWork,
    head: Head,
    event: Event,
    *,
    subject_id: str,
    tenant_id: str,
    timestamp: str,
) -> Head:
    """Add the event to the unit of work and return the new head, for the subject to keep."""
    record = AuditRecord(
        subject_id,
        head.seq + 1,
        event=event.name,
        timestamp=timestamp,
        tenant_id=tenant_id,
        user_id=event.user_id,
        client_id=event.client_id,
        method=event.method,
        card_count=event.card_count,
        reason=event.reason,
        ip_address=event.ip_address,
        user_agent=event.user_agent and event.user_agent[:USER_AGENT_LENGTH],
        previous_hash=head.hash,
    )
    record.hash = record.computed_hash()
    work.save(record, condition=AuditRecord.subject_id.does_not_exist())
    return Head(head.seq + 1, record.hash)


def read(subject_id: str, *, after: int = 0, limit: int | None = None) -> Iterable[AuditRecord]:
    """A subject's events, oldest first, those after sequence number `after`."""
    return AuditRecord.query(subject_id, AuditRecord.seq > after, limit=limit, consistent_read=True)


def verify(events: Iterable[AuditRecord], head: Head) -> Break | None:
    """The first event that is missing, altered or out of place; None if the chain holds."""
    at = Head()
    for event in events:
        if event.seq != at.seq + 1:
            return Break(at.seq + 1, "missing")
        if event.hash != event.computed_hash():
            return Break(at.seq + 1, "altered")
        if event.previous_hash != at.hash:
            return Break(at.seq + 1, "does not follow the event before it")
        if event.seq > head.seq:
            return Break(at.seq + 1, "added behind the subject's back")
        at = Head(at.seq + 1, event.hash)
    if at.seq < head.seq:
        return Break(at.seq + 1, "missing")
    if at != head:
        return Break(at.seq, "not the event the subject knows")
    return None
