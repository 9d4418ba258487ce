"""Workflow step PlaceOrder: send the order to the supplier, at most once."""

from typing import Any

from cardvault.orders import store
from cardvault.orders.place import PlaceOrder
from cardvault.runtime import aws
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import workflow_step
from cardvault.supplier.client import SupplierClient

settings = Settings()
store.bind_tables(settings)
supplier = SupplierClient(CachedSecret(aws.secrets_manager(), settings.supplier_secret_arn))
place_order = PlaceOrder(supplier)


@workflow_step
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the execution's input; answers the order's status."""
    order = place_order(
        event["input"]["orderId"],
        supplier_order_id=event["input"].get("supplierOrderId"),
        confirmed_not_placed=event["input"].get("confirmedNotPlaced"),
    )
    return {"status": order.status}
