"""On a schedule: find orders that stopped on their way, and put them back on it."""

from dataclasses import asdict
from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.fulfilment.stuck_orders import ReconcileOrders
from cardvault.fulfilment.workflow import Workflow
from cardvault.orders.records import COUNTED_ORDER_RECORDS
from cardvault.sealing.store import SealedPage

settings = Settings()
tables.use(settings, *COUNTED_ORDER_RECORDS, SealedPage)
reconcile_orders = ReconcileOrders(
    Workflow(boto_clients.step_functions(), settings.state_machine_arn)
)


@event_consumer
def handler(_event: dict[str, Any]) -> dict[str, Any]:
    """Answers how many orders were started again or left to a person, and if time ran out."""
    return asdict(reconcile_orders())
