"""Attempts to store an order's cards: numbered, so that the last one to begin alone can end.

An attempt takes the order's next number before it writes its first page. Its pages carry the
number, and none replaces a page of a higher one; its end changes the order under the condition
that no other attempt has begun. So when an attempt ends, every page is its own and stays so,
whatever earlier attempts still do (I4). A step that gives an order up takes a number as well, and
may then delete what the attempts before have left.
"""

from typing import Any

from cardvault.errors import StoringOvertaken
from cardvault.orders.records import OrderRecord
from cardvault.sealing.store import delete_pages


def begun(order: OrderRecord, now: str) -> dict[str, Any]:
    """The attributes by which a new attempt begins."""
    return {"storing_attempt": _next(order), "storing_at": now}


def ended(order: OrderRecord, attempt: int) -> dict[str, Any]:
    """The attributes by which the attempt ends. Raises StoringOvertaken if it is not the last."""
    if order.storing_attempt != attempt:
        raise StoringOvertaken
    return {"storing_at": None}


def given_up(order: OrderRecord) -> dict[str, Any]:
    """The attributes by which no attempt that has begun can end any more."""
    if order.storing_at is None:
        return {}
    return {"storing_attempt": _next(order), "storing_at": None}


def remove_leftovers(order: OrderRecord) -> None:
    """Delete the pages of attempts that cannot end any more, and all pages of a shredded order."""
    if order.shredded_at is not None:
        delete_pages(order.order_id)
    elif int(order.storing_attempt or 0) > 1:
        delete_pages(order.order_id, older_than=int(order.storing_attempt))


def _next(order: OrderRecord) -> int:
    return int(order.storing_attempt or 0) + 1
