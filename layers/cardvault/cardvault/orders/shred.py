"""Shredding: destroy an order's wrapped key, then its sealed pages (I8).

The key goes in the same transaction as the event that tells of it, out of a table that has no
backup. Sealed pages that a crash leaves behind, or that a restored backup brings back, are shut
for ever; a repeat removes what is left of them.
"""

from typing import TYPE_CHECKING

from cardvault.audit.trail import Event
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import OrderInProgress
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.attempts import remove_leftovers
from cardvault.orders.records import OrderRecord
from cardvault.orders.refusals import owned_or_told
from cardvault.orders.store import Change
from cardvault.sealing.store import delete_key_in

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite


def shred_cards(order_id: str, caller: Caller, *, clock: Clock = utc_now) -> OrderRecord:
    """Destroy the order's cards; a repeat changes nothing.

    Raises OrderNotFound (unknown or not the caller's), OrderInProgress.
    """
    order = owned_or_told(order_id, "SHRED_REFUSED", caller, clock=clock)

    def decide(fresh: OrderRecord) -> Change | None:
        if fresh.stored_at is None:
            raise OrderInProgress
        if fresh.shredded_at is not None:
            return None

        def delete_key(transaction: "TransactWrite") -> None:
            delete_key_in(transaction, fresh.order_id)

        count = int(fresh.fulfilled_quantity or 0)
        event = Event("CARDS_SHREDDED", card_count=count, **caller.traces(fresh.tenant_id))
        return Change(event, {"shredded_at": to_text(clock())}, also=delete_key)

    shredded = store.change(order_id, decide, clock=clock, known=order)
    remove_leftovers(shredded)
    return shredded
