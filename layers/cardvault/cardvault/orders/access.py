"""Who may use an order: its owner alone. Another's order and an unknown one look the same (I6)."""

from cardvault.audit.events import EventName
from cardvault.core.clock import Clock
from cardvault.errors import OrderNotFound
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.records import OrderRecord
from cardvault.orders.refusals import record_refusal


def check_owner(order: OrderRecord, caller: Caller) -> None:
    """Raises OrderNotFound if the order is not the caller's."""
    if not caller.owns(order.tenant_id, order.user_id):
        raise OrderNotFound


def get_owned_or_audit(
    order_id: str, event: EventName, caller: Caller, *, clock: Clock
) -> OrderRecord:
    """The caller's order. Raises OrderNotFound.

    An attempt on another's order is audited as `event` (I7).
    """
    order = store.find(order_id)
    try:
        check_owner(order, caller)
    except OrderNotFound as error:
        record_refusal(order, event, error, caller, clock=clock)
        raise
    return order
