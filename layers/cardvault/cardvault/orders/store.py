"""Reading orders and changing them: each change with its audit event, in one transaction.

The order's place in its audit chain is the condition of every change, so it serves as the
order's version too: two callers can not both build on the same state.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from cardvault.audit import trail
from cardvault.audit.trail import AuditRecord, Event
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import OrderNotFound
from cardvault.orders.records import ORDER_KEY, Mark, OrderRecord

# Set along with a status that is none of `attention`.
CALM: dict[str, None] = {"attention_reason": None, "attention_at": None}


@dataclass(frozen=True, slots=True)
class Change:
    """What to do to an order: its event, the attributes to set, and writes that go along.

    An attribute given as None is removed. `also` adds more writes to the same transaction.
    """

    event: Event
    attributes: dict[str, Any]
    also: Callable[[TransactWrite], None] | None = None


def bind_orders(settings: Settings) -> None:
    """Put orders and their marks on the table the settings name."""
    tables.bind(OrderRecord, settings.orders_table)
    tables.bind(Mark, settings.orders_table)


def bind_tables(settings: Settings) -> None:
    """As `bind_orders`, and their audit events too, for who changes orders."""
    bind_orders(settings)
    tables.bind(AuditRecord, settings.audit_table)


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


def change(
    order_id: str,
    decide: Callable[[OrderRecord], Change | None],
    *,
    clock: Clock = utc_now,
    known: OrderRecord | None = None,
) -> OrderRecord:
    """Change an order as `decide` says of its present state, exactly once.

    `decide` sees a fresh order at each try, returns None to leave it as it is, and may raise.
    `known` spares the first read. Returns the order as it is now.
    Raises OrderNotFound, TooManyWriters, and what `decide` raises.
    """
    seen = [known] if known else []

    def attempt() -> OrderRecord:
        order = seen.pop() if seen else find(order_id)
        planned = decide(order)
        if planned is not None:
            _commit(order, planned, to_text(clock()))
        return order

    return tables.retry_races(attempt)


def _commit(order: OrderRecord, planned: Change, now: str) -> None:
    transaction = tables.writing()
    if planned.also:
        planned.also(transaction)
    was_head = order.head
    head = trail.append(
        transaction,
        was_head,
        planned.event,
        subject_id=order.order_id,
        tenant_id=order.tenant_id,
        timestamp=now,
    )
    attributes = {
        **planned.attributes,
        "updated_at": now,
        "audit_seq": head.seq,
        "audit_hash": head.hash,
    }
    unchanged_since_read = OrderRecord.audit_seq == was_head.seq
    transaction.update(order, _actions(attributes), condition=unchanged_since_read)
    tables.commit(transaction)
    for name, value in attributes.items():
        setattr(order, name, value)


def _actions(attributes: dict[str, Any]) -> list[Action]:
    columns = {name: getattr(OrderRecord, name) for name in attributes}
    return [
        columns[name].remove() if value is None else columns[name].set(value)
        for name, value in attributes.items()
    ]
