"""Reading orders and changing them: each change with its audit event, in one transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cardvault.audit import trail
from cardvault.audit.trail import Event, Subject
from cardvault.aws import tables
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core.clock import Clock, to_text
from cardvault.errors import OrderNotFound
from cardvault.orders.records import (
    DECIDES_WHETHER_UNFINISHED,
    ORDER_KEY,
    UNFINISHED,
    OrderRecord,
)

# Set along with a status that is none of `attention`.
CLEAR_ATTENTION: dict[str, None] = {"attention_reason": None, "attention_at": None}


@dataclass(frozen=True, slots=True)
class Edit:
    """A unit of work over an order as it was read; `work` takes what else is to be written.

    Each makes a new version of the order, under the condition that the one that was read is still
    the last: two callers cannot both build on the same state. The audit event holds the version
    and its hash, so a change whose event is missing shows.
    """

    order: OrderRecord
    now: datetime
    work: UnitOfWork = field(default_factory=UnitOfWork)

    @property
    def timestamp(self) -> str:
        """The moment of the change, as it is stored."""
        return to_text(self.now)

    def commit(self, event: Event, **attributes: Any) -> None:
        """Write everything, or nothing: the event, and the attributes; None removes one.

        The order in memory is then as stored. Raises LostRace when it was changed since it was
        read.
        """
        order, version = self.order, int(self.order.version) + 1
        order_hash = order.hash_with(attributes)
        subject = Subject(order.order_id, order.tenant_id, version, order_hash)
        trail.put_with(self.work, subject, event, timestamp=self.timestamp)
        changes = {
            **attributes,
            **_marked(order, attributes),
            "updated_at": self.timestamp,
            "version": version,
            "audit_seq": None,
        }
        self.work.update(order, changes, order.unchanged)
        self.work.commit()


def _marked(order: OrderRecord, attributes: dict[str, Any]) -> dict[str, Any]:
    """What the change makes of the mark that the order is unfinished, if it may have to do with it.

    A change that leaves an order as unfinished as it was sets the mark again, which writes
    nothing to the index.
    """
    if not attributes.keys() & DECIDES_WHETHER_UNFINISHED:
        return {}
    return {"unfinished": UNFINISHED if order.changed_by(attributes).is_unfinished else None}


def find(order_id: str) -> OrderRecord:
    """The order, read consistently. Raises OrderNotFound."""
    order = tables.find(OrderRecord, order_id, ORDER_KEY)
    if order is None:
        raise OrderNotFound
    return order


def all_ids() -> Iterator[str]:
    """The id of every order. Reads the whole table."""
    for order in OrderRecord.scan(
        OrderRecord.sort_key == ORDER_KEY, attributes_to_get=["orderId", "sk"]
    ):
        yield order.order_id


def record_event(order: OrderRecord, event: Event, *, clock: Clock) -> None:
    """Put an event that has no other effect."""
    subject = Subject(order.order_id, order.tenant_id)
    trail.put(subject, event, timestamp=to_text(clock()))
