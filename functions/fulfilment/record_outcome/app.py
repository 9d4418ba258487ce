"""Workflow steps RecordRefund, RecordFailure, RecordMailFailure: what else becomes of an order."""

from typing import Any

from cardvault import errors
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.fulfilment.outcome import record_failure, record_refund
from cardvault.orders.records import COUNTED_ORDER_RECORDS
from cardvault.sealing.store import SealedPage

settings = Settings()
tables.use(settings, *COUNTED_ORDER_RECORDS, SealedPage)


@workflow_step(raises=(errors.OrderNotFound, errors.TooManyWriters))
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId and, for a failure, the error's name and the step if it was the mail's.

    Answers the order's status, and if mail is wanted.
    """
    order_id, error = event["orderId"], event.get("error")
    if error:
        order = record_failure(order_id, error, step=event.get("step"))
    else:
        order = record_refund(order_id)
    return {"status": order.status, "emailWanted": order.email_wanted}
