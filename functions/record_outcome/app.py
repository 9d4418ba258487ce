"""Workflow steps RecordRefund and RecordFailure: how an order ended without cards."""

from typing import Any

from cardvault.orders import store
from cardvault.orders.outcome import record_failure, record_refund
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import workflow_step
from cardvault.sealing.store import bind_pages

settings = Settings()
store.bind_tables(settings)
bind_pages(settings)


@workflow_step
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId and, for a failure, the name of the error.

    Answers the order's status, and if mail is wanted.
    """
    order_id, error = event["orderId"], event.get("error")
    order = record_failure(order_id, error) if error else record_refund(order_id)
    return {"status": order.status, "emailWanted": order.email_wanted}
