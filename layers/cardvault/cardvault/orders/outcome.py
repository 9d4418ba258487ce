"""How an order ended without cards: refunded, or in need of a person."""

from cardvault.audit.trail import Event
from cardvault.errors import PlacementDuplicated, StoredCardsDiffer, code_named
from cardvault.orders import attempts, store
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.store import CALM, Change
from cardvault.runtime.clock import Clock, to_text, utc_now

_EVEN_AFTER_A_GOOD_END = {StoredCardsDiffer.code, PlacementDuplicated.code}


def record_refund(order_id: str, *, clock: Clock = utc_now) -> OrderRecord:
    """The supplier refunded the whole order. A repeat changes nothing.

    Should cards be stored already, that contradiction is a person's: see `attention`.
    """

    def decide(order: OrderRecord) -> Change | None:
        if order.status == Status.REFUNDED:
            return None
        if order.stored_at is not None:
            return _attention(order, StoredCardsDiffer.code, to_text(clock()))
        refunded = {
            "status": Status.REFUNDED,
            "fulfilled_quantity": 0,
            "refunded_quantity": order.quantity,
        }
        return Change(Event("ORDER_REFUNDED"), {**refunded, **CALM, **attempts.given_up(order)})

    refunded = store.change(order_id, decide, clock=clock)
    attempts.remove_leftovers(refunded)
    return refunded


def record_failure(order_id: str, error_name: str, *, clock: Clock = utc_now) -> OrderRecord:
    """The workflow gave up; `error_name` is the error's name as Step Functions reports it."""
    reason = code_named(error_name)

    def decide(order: OrderRecord) -> Change | None:
        ended_well = order.stored_at is not None or order.status == Status.REFUNDED
        if ended_well and reason not in _EVEN_AFTER_A_GOOD_END:
            return None  # another execution was quicker
        told = order.status == Status.ATTENTION and order.attention_reason == reason
        if told and order.storing_at is None:
            return None
        return _attention(order, reason, to_text(clock()))

    failed = store.change(order_id, decide, clock=clock)
    attempts.remove_leftovers(failed)
    return failed


def _attention(order: OrderRecord, reason: str, now: str) -> Change:
    needs = {"status": Status.ATTENTION, "attention_reason": reason, "attention_at": now}
    event = Event("ORDER_NEEDS_ATTENTION", reason=reason)
    return Change(event, {**needs, **attempts.given_up(order)})
