"""Erasing whom an order was for: the customer's address and name, once they are needed no more.

The order's trail and counts stay. Its earlier audit events and its idempotency record hold hashes
of the order with the address, under a salt that goes with it: from what is left nobody can try
addresses out. The order gets another salt, so that changes from then on still show; a repeat of its
request cannot be told from another one any more, and is refused as such.
"""

from datetime import datetime
from typing import Any

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import NoRecipient, RecipientNeeded
from cardvault.http.caller import Caller
from cardvault.orders.access import get_owned_or_audit
from cardvault.orders.records import OrderRecord, new_hash_salt
from cardvault.orders.store import Edit


@retry_lost_races
def erase_recipient(order_id: str, caller: Caller, *, clock: Clock = utc_now) -> OrderRecord:
    """Erase the order's address and name; a repeat changes nothing.

    Raises OrderNotFound (unknown or not the caller's), NoRecipient, RecipientNeeded.
    """
    order = get_owned_or_audit(order_id, EventName.ERASE_REFUSED, caller, clock=clock)
    if order.is_erased:
        return order
    if not order.names_recipient:
        raise NoRecipient
    if order.recipient_needless_since is None:
        raise RecipientNeeded
    return erase(order, clock(), **caller.audit_actor(order.tenant_id))


def erase(order: OrderRecord, now: datetime, **why: Any) -> OrderRecord:
    """Erase what is needed no more; `why` is what the audit event says of it. Raises LostRace."""
    edit = Edit(order, now)
    edit.commit(
        Event(EventName.RECIPIENT_ERASED, **why),
        customer_email=None,
        customer_name=None,
        hash_salt=new_hash_salt(),
        erased_at=edit.timestamp,
    )
    return order
