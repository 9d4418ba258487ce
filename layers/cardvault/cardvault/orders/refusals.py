"""Refused attempts on an order, in its audit trail (I7) but never at its owner's cost.

A caller who is refused must not be able to make the trail grow without limit, to keep its owner
waiting, or to learn from an error that the order exists (I6).
"""

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws import tables
from cardvault.aws.failures import refuse_anyway
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock
from cardvault.errors import CardvaultError
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.records import ORDER_KEY, OrderRecord

AUDITED_ONE_BY_ONE = 10


def audited_reason(reason: str, number: int) -> str | None:
    """The reason that the audit event of refusal `number` gives; None if it has no event.

    The first AUDITED_ONE_BY_ONE have one each, then each power of two, with the number so far.
    """
    if number <= AUDITED_ONE_BY_ONE:
        return reason
    return None if number & (number - 1) else f"{reason}, {number} times so far"


def record_refusal(
    order: OrderRecord, event: EventName, error: CardvaultError, caller: Caller, *, clock: Clock
) -> None:
    """Count the refusal, and audit it if its number has an event. Raises nothing."""
    refuse_anyway(lambda: _record(order, event, error, caller, clock))


def _record(
    order: OrderRecord, event: EventName, error: CardvaultError, caller: Caller, clock: Clock
) -> None:
    counter, is_there = OrderRecord(order.order_id, ORDER_KEY), OrderRecord.order_id.exists()
    retry_lost_races(tables.update)(counter, [OrderRecord.refusals.add(1)], is_there)
    reason = audited_reason(error.code, int(counter.refusals or 1))
    if reason is None:
        return
    refusal = Event(event, reason=reason, **caller.audit_actor(order.tenant_id))
    store.record_event(order, refusal, clock=clock)
