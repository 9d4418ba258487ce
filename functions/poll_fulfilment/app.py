"""Workflow step PollFulfilment: ask once whether the supplier has finished."""

from typing import Any

from cardvault.orders import store
from cardvault.orders.poll import PollFulfilment
from cardvault.runtime import aws
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.clock import from_text
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import workflow_step
from cardvault.supplier.client import SupplierClient

settings = Settings()
store.bind_tables(settings)
supplier = SupplierClient(CachedSecret(aws.secrets_manager(), settings.supplier_secret_arn))
poll_fulfilment = PollFulfilment(supplier, settings.fulfilment_deadline)


@workflow_step
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers the supplier's final status, or raises OrderPending."""
    started_at = from_text(event["executionStartedAt"])
    return {"status": poll_fulfilment(event["orderId"], execution_started_at=started_at)}
