"""Shredding: destroy an order's wrapped key, then its sealed pages (I8).

The key goes in the same transaction as the event that records it, out of a table that has no
backup. Sealed pages that a crash leaves behind, or that a restored backup brings back, are shut
for ever; a repeat removes what is left of them, and of the marks of its codes.
"""

from datetime import datetime
from typing import Any

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import OrderInProgress
from cardvault.http.caller import Caller
from cardvault.orders.access import get_owned_or_audit
from cardvault.orders.attempts import remove_leftovers
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Edit
from cardvault.sealing import code_marks
from cardvault.sealing.store import delete_key_in


@retry_lost_races
def shred_cards(order_id: str, caller: Caller, *, clock: Clock = utc_now) -> OrderRecord:
    """Destroy the order's cards; a repeat changes nothing.

    Raises OrderNotFound (unknown or not the caller's), OrderInProgress.
    """
    order = get_owned_or_audit(order_id, EventName.SHRED_REFUSED, caller, clock=clock)
    if order.stored_at is None:
        raise OrderInProgress
    return shred(order, clock(), **caller.audit_actor(order.tenant_id))


def shred(order: OrderRecord, now: datetime, **why: Any) -> OrderRecord:
    """Destroy cards that are stored; `why` is what the audit event says of it. Raises LostRace."""
    if order.shredded_at is None:
        edit = Edit(order, now)
        delete_key_in(edit.work, order.order_id)
        count = int(order.fulfilled_quantity or 0)
        edit.commit(
            Event(EventName.CARDS_SHREDDED, card_count=count, **why), shredded_at=edit.timestamp
        )
    code_marks.forget(order.order_id)
    remove_leftovers(order)
    return order
