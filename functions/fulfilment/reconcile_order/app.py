"""Workflow step ReconcileOrder: find out what became of a placeOrder without an answer."""

from typing import Any

from cardvault import errors
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.fulfilment.place import ReconcileOrder
from cardvault.orders.records import ORDER_RECORDS, UniquenessRecord
from cardvault.supplier import client
from cardvault.supplier.bootstrap import supplier_client

settings = Settings()
tables.use(settings, *ORDER_RECORDS, UniquenessRecord)
reconcile_order = ReconcileOrder(supplier_client(settings))


@workflow_step(
    raises=(
        *client.ERRORS,
        errors.InvalidRequest,
        errors.OrderNotFound,
        errors.PlacementAmbiguous,
        errors.PlacementDuplicated,
        errors.PlacementNotFound,
        errors.TooManyWriters,
    )
)
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers the order's status."""
    return {"status": reconcile_order(event["orderId"]).status}
