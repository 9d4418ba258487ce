"""Idempotency records and uniqueness records: what they name belongs to one order for good."""

from typing import TYPE_CHECKING

from pynamodb.exceptions import DoesNotExist

from cardvault.errors import SupplierOrderTaken
from cardvault.http.caller import Caller
from cardvault.http.idempotency import record_key
from cardvault.orders.records import RECORD_KEY, UniquenessRecord

if TYPE_CHECKING:
    from cardvault.aws.unit_of_work import UnitOfWork


def idempotency_record_key(caller: Caller, key: str) -> str:
    """The key of the record of an Idempotency-Key, hashed: equal keys of two users are two."""
    return record_key(caller.tenant_id, caller.user_id, key)


def supplier_order_key(supplier_order_id: str) -> str:
    """The key of the record of a supplier's order."""
    return f"SUPPLIER#{supplier_order_id}"


def find_record(key: str) -> UniquenessRecord | None:
    """The record under that key, None if there is none."""
    try:
        return UniquenessRecord.get(key, RECORD_KEY, consistent_read=True)
    except DoesNotExist:
        return None


def claim_supplier_order(work: "UnitOfWork", supplier_order_id: str, order_id: str) -> None:
    """Make the supplier's order this order's, in the unit of work, and nobody else's.

    Raises SupplierOrderTaken when it is another's already.
    """
    key = supplier_order_key(supplier_order_id)
    record = find_record(key)
    if record is not None and record.owning_order_id != order_id:
        raise SupplierOrderTaken
    ours_or_free = UniquenessRecord.key.does_not_exist() | (
        UniquenessRecord.owning_order_id == order_id
    )
    work.save(UniquenessRecord(key, owning_order_id=order_id), condition=ours_or_free)
