"""How an order ended without cards: refunded, or in need of a person.

An order that ended well can still need one. What is wrong with its cards or its placing stays told
until it is redriven; what is wrong with its mail, until a mail is sent.
"""

from typing import Any

from cardvault.audit.trail import Event
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import (
    FulfilmentOverdue,
    OrderPending,
    PlacementDuplicated,
    StoredCardsDiffer,
    code_named,
)
from cardvault.orders import attempts, store
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.store import CALM, Change

MAIL_STEP = "SendDeliveryEmail"
_EVEN_AFTER_A_GOOD_END = {StoredCardsDiffer.code, PlacementDuplicated.code}
# When the polls are used up before the deadline, the supplier is no less overdue.
_SAME_TO_A_PERSON = {OrderPending.code: FulfilmentOverdue.code}


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


def record_failure(
    order_id: str, error_name: str, *, step: str | None = None, clock: Clock = utc_now
) -> OrderRecord:
    """The workflow gave up; `error_name` is the error's name as Step Functions reports it.

    `step` is MAIL_STEP if that is where. An order that ended well is left alone if another
    execution was quicker: in ending it, or in mailing it.
    """
    code = code_named(error_name)
    reason = _SAME_TO_A_PERSON.get(code, code)

    def decide(order: OrderRecord) -> Change | None:
        if step == MAIL_STEP:
            return _mail_failed(order, reason, to_text(clock()))
        if order.ended_as is not None and reason not in _EVEN_AFTER_A_GOOD_END:
            return None
        told = order.status == Status.ATTENTION and order.attention_reason == reason
        if told and order.storing_at is None:
            return None
        return _attention(order, reason, to_text(clock()))

    failed = store.change(order_id, decide, clock=clock)
    attempts.remove_leftovers(failed)
    return failed


def attention_for_mail(order: OrderRecord, reason: str, now: str) -> dict[str, Any]:
    """What to change on an order whose mail was not sent; nothing if it says so, or worse."""
    told = {reason, *_EVEN_AFTER_A_GOOD_END}
    if order.status == Status.ATTENTION and order.attention_reason in told:
        return {}
    return {"status": Status.ATTENTION, "attention_reason": reason, "attention_at": now}


def settled_by_mail(order: OrderRecord) -> dict[str, Any]:
    """What to change on an order whose mail was sent: it is again what it ended as."""
    needs_more = order.attention_reason in _EVEN_AFTER_A_GOOD_END
    if order.status != Status.ATTENTION or order.ended_as is None or needs_more:
        return {}
    return {"status": order.ended_as, **CALM}


def _mail_failed(order: OrderRecord, reason: str, now: str) -> Change | None:
    if order.emailed_at is not None or order.shredded_at is not None:
        return None
    needs = attention_for_mail(order, reason, now)
    return Change(Event("ORDER_NEEDS_ATTENTION", reason=reason), needs) if needs else None


def _attention(order: OrderRecord, reason: str, now: str) -> Change:
    needs = {"status": Status.ATTENTION, "attention_reason": reason, "attention_at": now}
    event = Event("ORDER_NEEDS_ATTENTION", reason=reason)
    return Change(event, {**needs, **attempts.given_up(order)})
