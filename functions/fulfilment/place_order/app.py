"""Workflow step PlaceOrder: send the order to the supplier, at most once."""

from typing import Any

from cardvault import errors
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.fulfilment.place import PlaceOrder
from cardvault.orders.records import COUNTED_ORDER_RECORDS, UniquenessRecord
from cardvault.supplier import client
from cardvault.supplier.bootstrap import supplier_client

settings = Settings()
tables.use(settings, *COUNTED_ORDER_RECORDS, UniquenessRecord)
place_order = PlaceOrder(supplier_client(settings))


@workflow_step(
    raises=(
        *client.ERRORS,
        errors.InvalidRequest,
        errors.OrderNotFound,
        errors.PlacementDuplicated,
        errors.PlacementUnknown,
        errors.SupplierOrderTaken,
        errors.TooManyWriters,
    )
)
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the execution's input; answers the order's status."""
    order = place_order(
        event["input"]["orderId"],
        supplier_order_id=event["input"].get("supplierOrderId"),
        confirmed_not_placed=event["input"].get("confirmedNotPlaced"),
    )
    return {"status": order.status}
