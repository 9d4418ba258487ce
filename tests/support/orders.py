"""Orders changed as nothing in the product changes them."""

from typing import Any

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import utc_now
from cardvault.orders import store
from cardvault.orders.store import Edit


@retry_lost_races
def change_order(order_id: str, **attributes: Any) -> None:
    """Set attributes of the order, with an event of its own; None removes one."""
    Edit(store.find(order_id), utc_now()).commit(Event(EventName.ORDER_REDRIVEN), **attributes)
