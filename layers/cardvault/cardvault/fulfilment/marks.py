"""Marks: keys that belong to one order for ever, so that an effect happens once."""

from typing import TYPE_CHECKING

from pynamodb.exceptions import DoesNotExist

from cardvault.errors import SupplierOrderTaken
from cardvault.http.caller import Caller
from cardvault.http.idempotency import record_key
from cardvault.orders.records import MARK_KEY, Mark

if TYPE_CHECKING:
    from cardvault.aws.unit_of_work import UnitOfWork


def idempotency_mark(caller: Caller, key: str) -> str:
    """The key of a caller's idempotency record: two users' equal Idempotency-Keys are two keys."""
    return record_key(caller.tenant_id, caller.user_id, key)


def supplier_mark(supplier_order_id: str) -> str:
    """The mark of a supplier's order."""
    return f"SUPPLIER#{supplier_order_id}"


def find_mark(key: str) -> Mark | None:
    """The mark under that key, None if there is none."""
    try:
        return Mark.get(key, MARK_KEY, consistent_read=True)
    except DoesNotExist:
        return None


def claim_supplier_order(work: "UnitOfWork", supplier_order_id: str, order_id: str) -> None:
    """Make the supplier's order this order's, in the unit of work, and nobody else's.

    Raises SupplierOrderTaken when it is another's already.
    """
    key = supplier_mark(supplier_order_id)
    mark = find_mark(key)
    if mark is not None and mark.marked_order_id != order_id:
        raise SupplierOrderTaken
    ours_or_free = Mark.key.does_not_exist() | (Mark.marked_order_id == order_id)
    work.save(Mark(key, marked_order_id=order_id), condition=ours_or_free)
