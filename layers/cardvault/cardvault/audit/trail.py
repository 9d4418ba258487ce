"""The audit trail: what happened to a subject (an order, a gift card), event by event.

A function puts a *waiting event*, in one transaction with the effect it records, or alone where
nothing else is written. Its key is one that nobody uses again, so writers never wait for each
other. The one function that `chain` belongs to then numbers the events of each subject, and has
each hold the SHA-256 of itself and of the event before it. The fields are a closed list: no card
data has a place here (I1, I7).
"""

import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from cardvault.audit.events import EventName
from cardvault.aws import tables
from cardvault.aws.metrics import count
from cardvault.aws.retries import LostRace
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core import hash_chain

USER_AGENT_LENGTH = 256
WAITING = "EVENT#"
# A number of DynamoDB has 38 digits: 16 of microseconds since 1970, 20 random ones.
RANDOM_PART = 10**20
LARGEST = 10**38 - 1
MICROSECOND_NS = 1_000


class AuditRecord(Record):
    """One event, as stored. Attribute names are those of the API.

    A waiting event lies under `EVENT#` and its subject, and its number says when it was put. A
    chained one lies under its subject, numbered from 1; `event_id` is the number it waited under.
    `version` is the subject's, where the event records a change that made a new one, and
    `order_hash` is the hash of that version.
    """

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
    version = NumberAttribute(null=True)
    order_hash = UnicodeAttribute(attr_name="orderHash", null=True)
    event_id = UnicodeAttribute(attr_name="eventId", null=True)
    previous_hash = UnicodeAttribute(attr_name="previousHash", null=True)
    hash = UnicodeAttribute(null=True)

    def computed_hash(self) -> str:
        """What its hash must be."""
        return hash_chain.hash_of(self.fields())


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, who did it and from where. `method` is in-app, email or download."""

    name: EventName
    user_id: str | None = None
    client_id: str | None = None
    method: str | None = None
    card_count: int | None = None
    reason: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom or what an event is about, and the version that it makes of it, if any."""

    subject_id: str
    tenant_id: str
    version: int | None = None
    order_hash: str | None = None


def put_with(work: UnitOfWork, subject: Subject, event: Event, *, timestamp: str) -> None:
    """Add a waiting event to the unit of work whose effect it records."""
    work.save(_waiting(subject, event, timestamp), AuditRecord.subject_id.does_not_exist())


def put(subject: Subject, event: Event, *, timestamp: str) -> None:
    """Put a waiting event with no other effect."""
    # Nobody else has this key: if it exists, the answer to an earlier try of ours was lost.
    with suppress(LostRace):
        tables.put(_waiting(subject, event, timestamp), AuditRecord.subject_id.does_not_exist())


def _waiting(subject: Subject, event: Event, timestamp: str) -> AuditRecord:
    now = time.time_ns() // MICROSECOND_NS
    return AuditRecord(
        WAITING + subject.subject_id,
        now * RANDOM_PART + secrets.randbelow(RANDOM_PART),
        event=str(event.name),
        timestamp=timestamp,
        tenant_id=subject.tenant_id,
        user_id=event.user_id,
        client_id=event.client_id,
        method=event.method,
        card_count=event.card_count,
        reason=event.reason,
        ip_address=event.ip_address,
        user_agent=event.user_agent and event.user_agent[:USER_AGENT_LENGTH],
        version=subject.version,
        order_hash=subject.order_hash,
    )


def subject_of(event: AuditRecord) -> str:
    """What an event is about, whether it waits or not."""
    return str(event.subject_id).removeprefix(WAITING)


def put_at(event: AuditRecord) -> float:
    """When a waiting event was put, in seconds since 1970."""
    return int(event.seq) // RANDOM_PART / 1_000_000


def read(subject_id: str, *, after: int = 0, limit: int | None = None) -> Iterator[AuditRecord]:
    """A subject's chained events, oldest first, those after sequence number `after`."""
    found = AuditRecord.query(
        subject_id, AuditRecord.seq > after, limit=limit, consistent_read=True
    )
    return tables.read_all(found)


def read_waiting(
    subject_id: str, *, after: int = 0, up_to: int = LARGEST, limit: int | None = None
) -> Iterator[AuditRecord]:
    """A subject's waiting events by the moment they were put, numbered between the two.

    Roles that may put one could put what cannot be read: it is counted, and hides no other event.
    """
    found = AuditRecord.query(
        WAITING + subject_id,
        AuditRecord.seq.between(after + 1, up_to),
        limit=limit,
        consistent_read=True,
    )
    return tables.read_all(found, lambda: count("ForgedRecord"))


def read_all(subject_id: str) -> list[AuditRecord]:
    """The chained events, then those that wait. One that is chained meanwhile is there once."""
    waiting = list(read_waiting(subject_id))
    chained = list(read(subject_id))
    return chained + not_among(chained, waiting)


def not_among(chained: Iterable[AuditRecord], waiting: Iterable[AuditRecord]) -> list[AuditRecord]:
    """The waiting events that are not chained yet; those were read before the chained ones."""
    known = {event.event_id for event in chained}
    return [event for event in waiting if str(int(event.seq)) not in known]
