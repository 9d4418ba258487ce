"""DynamoDB stream of the audit trail, or an operator: chain the events that wait."""

from dataclasses import asdict
from typing import Any

from cardvault.audit import stream
from cardvault.audit.chain import ChainHead, Overwritten
from cardvault.audit.trail import AuditRecord
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.http.fields import ID
from cardvault.http.schemas import body, checker

settings = Settings()
tables.use(settings, AuditRecord, ChainHead, Overwritten)
planted_orders = frozenset(settings.planted_orders.split(","))

check_request = checker(body({"subject": ID}))


@event_consumer
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes a batch of the stream; answers from where on it is to be brought again.

    Takes `{"subject": id}` from an operator, in rounds; answers how many events were chained.
    """
    if "Records" in event:
        failed = stream.chain_records(event["Records"], planted_orders)
        return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
    return asdict(stream.chain_leftovers(check_request(event)["subject"]))
