"""Workflow step ReconcileOrder: find out what became of a placeOrder without an answer."""

from typing import Any

from cardvault.orders import store
from cardvault.orders.place import ReconcileOrder
from cardvault.runtime import aws
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import workflow_step
from cardvault.supplier.client import SupplierClient

settings = Settings()
store.bind_tables(settings)
supplier = SupplierClient(CachedSecret(aws.secrets_manager(), settings.supplier_secret_arn))
reconcile_order = ReconcileOrder(supplier)


@workflow_step
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers the order's status."""
    return {"status": reconcile_order(event["orderId"]).status}
