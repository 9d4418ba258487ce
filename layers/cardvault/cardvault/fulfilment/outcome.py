"""How an order ended without cards: refunded, or in need of a person.

An order that ended well can still need one. A fault of its cards or its placing is shown until it
is redriven, a fault of its e-mail until one is sent.
"""

from typing import Any

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import (
    FulfilmentOverdue,
    OrderPending,
    PlacementDuplicated,
    StoredCardsDiffer,
    code_named,
)
from cardvault.orders import attempts, store
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.store import CLEAR_ATTENTION, Edit

MAIL_STEP = "SendDeliveryEmail"
_EVEN_AFTER_A_GOOD_END = {StoredCardsDiffer.code, PlacementDuplicated.code}
# When the polls are used up before the deadline, the supplier is no less overdue.
_SAME_TO_A_PERSON = {OrderPending.code: FulfilmentOverdue.code}


@retry_lost_races
def record_refund(order_id: str, *, clock: Clock = utc_now) -> OrderRecord:
    """The supplier refunded the whole order. A repeat changes nothing.

    Should cards be stored already, that contradiction is a person's: see `attention`.
    """
    order = store.find(order_id)
    edit = Edit(order, clock())
    if order.status == Status.REFUNDED:
        pass
    elif order.stored_at is not None:
        _need_attention(edit, StoredCardsDiffer.code)
    else:
        given_back = _give_cards_back(edit)
        edit.commit(
            Event(EventName.ORDER_REFUNDED),
            status=Status.REFUNDED,
            fulfilled_quantity=0,
            refunded_quantity=order.quantity,
            **given_back,
            **CLEAR_ATTENTION,
            **attempts.given_up(order),
        )
    attempts.remove_leftovers(order)
    return order


@retry_lost_races
def record_failure(
    order_id: str, error_name: str, *, step: str | None = None, clock: Clock = utc_now
) -> OrderRecord:
    """The workflow gave up; `error_name` is the error's name as Step Functions reports it.

    `step` is MAIL_STEP if that is where. An order that ended well is left alone if another
    execution was quicker: in ending it, or in mailing it.
    """
    code = code_named(error_name)
    reason = _SAME_TO_A_PERSON.get(code, code)
    order = store.find(order_id)
    edit = Edit(order, clock())
    if step == MAIL_STEP:
        _record_mail_failure(edit, reason)
    elif order.ended_as is None or reason in _EVEN_AFTER_A_GOOD_END:
        known = order.status == Status.ATTENTION and order.attention_reason == reason
        if not known or order.storing_at is not None:
            _need_attention(edit, reason)
    attempts.remove_leftovers(order)
    return order


def attention_for_mail(order: OrderRecord, reason: str, now: str) -> dict[str, Any]:
    """What to change on an order whose mail was not sent; nothing if it says so, or worse."""
    as_grave = {reason, *_EVEN_AFTER_A_GOOD_END}
    if order.status == Status.ATTENTION and order.attention_reason in as_grave:
        return {}
    return {"status": Status.ATTENTION, "attention_reason": reason, "attention_at": now}


def settled_by_mail(order: OrderRecord) -> dict[str, Any]:
    """What to change on an order whose mail was sent: it is again what it ended as."""
    needs_more = order.attention_reason in _EVEN_AFTER_A_GOOD_END
    if order.status != Status.ATTENTION or order.ended_as is None or needs_more:
        return {}
    return {"status": order.ended_as, **CLEAR_ATTENTION}


def _record_mail_failure(edit: Edit, reason: str) -> None:
    order = edit.order
    if order.emailed_at is not None or order.shredded_at is not None:
        return
    needs = attention_for_mail(order, reason, edit.timestamp)
    if needs:
        edit.commit(Event(EventName.ORDER_NEEDS_ATTENTION, reason=reason), **needs)


def _give_cards_back(edit: Edit) -> dict[str, Any]:
    """What to change on an order whose cards do not count any more: none was bought."""
    order = edit.order
    if order.counted_on is None:
        return {}
    order.buyer.give_back(edit.work, int(order.quantity or 0), order.counted_on)
    return {"counted_on": None}


def _need_attention(edit: Edit, reason: str) -> None:
    order = edit.order
    is_surely_unplaced = order.supplier_order_id is None and order.placing_at is None
    given_back = _give_cards_back(edit) if is_surely_unplaced else {}
    edit.commit(
        Event(EventName.ORDER_NEEDS_ATTENTION, reason=reason),
        status=Status.ATTENTION,
        attention_reason=reason,
        attention_at=edit.timestamp,
        **given_back,
        **attempts.given_up(order),
    )
