"""Orders as their owners see them: status and delivery facts, never a code."""

from collections.abc import Sequence
from typing import Any

from cardvault.core.clock import from_text
from cardvault.core.ids import is_id
from cardvault.http import cursor as cursors
from cardvault.http.caller import Caller
from cardvault.orders.records import ORDER_KEY, OrderRecord, owner_key

_SHOWN = (
    "status",
    "product_id",
    "type_id",
    "quantity",
    "fulfilled_quantity",
    "refunded_quantity",
    "supplier_order_id",
    "title",
    "instructions",
    "redeem_url",
    "created_at",
    "updated_at",
    "placing_at",
    "placed_at",
    "stored_at",
    "emailed_at",
    "email_status",
    "claimed_at",
    "first_revealed_at",
    "downloaded_at",
    "shredded_at",
    "erased_at",
    "attention_reason",
    "attention_at",
)


def view(order: OrderRecord) -> dict[str, Any]:
    """The order under its API names; what has not happened is left out."""
    shown: dict[str, Any] = {"orderId": order.order_id}
    for name in _SHOWN:
        value = getattr(order, name)
        if value is not None:
            shown[getattr(OrderRecord, name).attr_name] = value
    return shown


def page(
    caller: Caller, *, limit: int, cursor: str | None
) -> tuple[Sequence[OrderRecord], str | None]:
    """The caller's orders, newest first, and the cursor of the next page if there is one.

    Raises InvalidRequest on a cursor that is none of ours.
    """
    owner = owner_key(caller.tenant_id, caller.user_id)
    found = OrderRecord.of_owner.query(
        owner,
        scan_index_forward=False,
        limit=limit,
        last_evaluated_key=_position(cursor, owner) if cursor else None,
    )
    orders = list(found)
    last = found.last_evaluated_key
    if not orders or not last:
        return orders, None
    return orders, cursors.encode(orders[-1].created_at, orders[-1].order_id)


def _position(cursor: str, owner: str) -> dict[str, dict[str, str]]:
    # The owner comes from the token, so a cursor cannot lead into another's orders (I6).
    created_at, order_id = cursors.decode(cursor, from_text, is_id)
    texts = {"owner": owner, "createdAt": created_at, "orderId": order_id, "sk": ORDER_KEY}
    return {name: {"S": text} for name, text in texts.items()}
