"""The two indexes of the Orders table. Only an order's own item has their keys."""

from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection


class OrdersOfOwner(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """An owner's orders by age."""

    class Meta:
        index_name = "ordersOfOwner"
        projection = AllProjection()

    owner = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True, attr_name="createdAt")


class UnfinishedOrders(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """Orders that an execution has still to do with, by age: no others are in it."""

    class Meta:
        index_name = "unfinishedOrders"
        projection = KeysOnlyProjection()

    unfinished = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True, attr_name="createdAt")
