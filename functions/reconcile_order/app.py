"""Workflow step ReconcileOrder: find out what became of a placeOrder without an answer."""

from typing import Any

from cardvault.orders import store
from cardvault.orders.place import ReconcileOrder
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import workflow_step
from cardvault.supplier.wiring import supplier_client

settings = Settings()
store.bind_tables(settings)
reconcile_order = ReconcileOrder(supplier_client(settings))


@workflow_step
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers the order's status."""
    return {"status": reconcile_order(event["orderId"]).status}
