"""From the stream of the audit trail's table to the chain: batches, overwritings, leftovers."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any

from cardvault.audit import chain, planted
from cardvault.audit.chain import MOST_AT_ONCE, MalformedEvent, Overwriting
from cardvault.audit.trail import AuditRecord, read_waiting
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.aws.streams import Record, work_by_key
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import OutOfTime


def chain_records(
    records: Sequence[Record], planted_orders: Collection[str] = frozenset()
) -> list[str]:
    """Chain what a batch of the stream brings, subject by subject.

    Rings for events of planted orders. Returns the sequence numbers from which Lambda is to begin
    again. What it brings again then and was chained already, is chained no second time.
    """
    return work_by_key(records, "subjectId", partial(_chain_subject, planted_orders))


def _chain_subject(planted_orders: Collection[str], records: Sequence[Record]) -> None:
    put = (one["dynamodb"]["NewImage"] for one in records if one["eventName"] == "INSERT")
    events = list(_well_formed(put))
    planted.watch(events, planted_orders)  # first: no fault of chaining keeps it from ringing
    chain.chain(events)
    for record in records:
        if record["eventName"] == "MODIFY":
            count("ForgedRecord")
            for event in _well_formed([record["dynamodb"]["OldImage"]]):
                logger.warning("audit event overwritten", subjectId=event.subject_id)
                chain.record_overwriting(Overwriting(event, record["eventID"]))


@dataclass(frozen=True, slots=True)
class Leftovers:
    """One round: how many events it chained and could not, and whether there may be more."""

    chained: int
    malformed: int
    more: bool


def chain_leftovers(
    subject_id: str, *, time_budget: timedelta = TIME_BUDGET, clock: Clock = utc_now
) -> Leftovers:
    """Chain what waits of a subject, as it lies in the table: the stream holds it no more."""
    time = Round.of(time_budget, clock)
    chained = malformed = 0
    try:
        for some in _parts(time.pace(read_waiting(subject_id))):
            events = list(_well_formed(event.serialize() for event in some))
            malformed += len(some) - len(events)
            time.expect_time()
            chained += chain.chain(events)
    except OutOfTime:
        return Leftovers(chained, malformed, more=True)
    return Leftovers(chained, malformed, more=False)


def _parts(events: Iterator[AuditRecord]) -> Iterator[list[AuditRecord]]:
    while some := list(islice(events, MOST_AT_ONCE)):
        yield some


def _well_formed(images: Iterable[Mapping[str, Any]]) -> Iterable[AuditRecord]:
    """The events among them; what no function of ours has put is counted and left waiting."""
    for image in images:
        try:
            yield chain.parse(image)
        except MalformedEvent:
            count("ForgedRecord")
            logger.warning("audit event malformed", subjectId=image["subjectId"].get("S"))
