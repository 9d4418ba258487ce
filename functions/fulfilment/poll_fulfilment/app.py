"""Workflow step PollFulfilment: ask once whether the supplier has finished."""

from typing import Any

from cardvault import errors
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.core.clock import from_text
from cardvault.fulfilment.poll import PollFulfilment
from cardvault.orders.records import ORDER_RECORDS
from cardvault.supplier import client
from cardvault.supplier.bootstrap import supplier_client

settings = Settings()
tables.use(settings, *ORDER_RECORDS)
poll_fulfilment = PollFulfilment(supplier_client(settings), settings.fulfilment_deadline)


@workflow_step(
    raises=(
        *client.ERRORS,
        errors.FulfilmentOverdue,
        errors.OrderNotFound,
        errors.OrderPending,
        errors.TooManyWriters,
    )
)
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers the supplier's final status, or raises OrderPending."""
    started_at = from_text(event["executionStartedAt"])
    return {"status": poll_fulfilment(event["orderId"], execution_started_at=started_at)}
