"""Refused attempts on an order, in its audit trail (I7) but never at its owner's cost.

Whoever is refused must not be able to make the trail grow for ever, to keep its owner waiting,
or to learn from an error that the order exists (I6).
"""

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws import tables
from cardvault.aws.failures import refuse_anyway
from cardvault.core.clock import Clock
from cardvault.errors import CardvaultError, OrderNotFound
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.records import ORDER_KEY, OrderRecord

TOLD_ONE_BY_ONE = 10


def owned_or_told(order_id: str, event: EventName, caller: Caller, *, clock: Clock) -> OrderRecord:
    """The caller's order. Raises OrderNotFound; if it is another's, `event` tells its trail."""
    order = store.find(order_id)
    if not caller.owns(order.tenant_id, order.user_id):
        unknown = OrderNotFound()
        record_refusal(order, event, unknown, caller, clock=clock)
        raise unknown
    return order


def record_refusal(
    order: OrderRecord, event: EventName, error: CardvaultError, caller: Caller, *, clock: Clock
) -> None:
    """Count the refusal; tell the trail of the first ten, then at each power of two.

    From the eleventh on, the event's reason holds the number so far. Raises nothing.
    """
    refuse_anyway(lambda: _record(order, event, error, caller, clock))


def _record(
    order: OrderRecord, event: EventName, error: CardvaultError, caller: Caller, clock: Clock
) -> None:
    counter, is_there = OrderRecord(order.order_id, ORDER_KEY), OrderRecord.order_id.exists()
    tables.retry_races(lambda: tables.update(counter, [OrderRecord.refusals.add(1)], is_there))
    number = int(counter.refusals or 1)
    if number > TOLD_ONE_BY_ONE and number & (number - 1):
        return
    reason = error.code if number <= TOLD_ONE_BY_ONE else f"{error.code}, {number} times so far"
    told = Event(event, reason=reason, **caller.traces(order.tenant_id))
    store.record_event(order, told, clock=clock)
