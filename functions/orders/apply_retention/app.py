"""On a schedule: shred cards and erase addresses whose time is over."""

from dataclasses import asdict
from typing import Any

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.identity.retention import Retention, TenantRetention
from cardvault.orders.records import ORDER_RECORDS
from cardvault.orders.retention import ApplyRetention, RetentionProgress
from cardvault.sealing.code_marks import CodeMark
from cardvault.sealing.store import DataKeyRecord, SealedPage

settings = Settings()
tables.use(settings, *ORDER_RECORDS, SealedPage, DataKeyRecord, CodeMark)
tables.use(settings, TenantRetention, RetentionProgress)
apply_retention = ApplyRetention(
    Retention(
        settings.shred_after_days, settings.shred_after_delivery_days, settings.erase_after_days
    )
)


@event_consumer
def handler(_event: dict[str, Any]) -> dict[str, Any]:
    """Answers how many orders were shredded and erased, and whether the day needs more rounds."""
    return asdict(apply_retention())
