"""On a schedule: delete the download files that nothing can reach any more."""

from dataclasses import asdict
from typing import Any

from cardvault.delivery.bucket import DownloadsBucket
from cardvault.runtime import aws
from cardvault.runtime.clock import utc_now
from cardvault.runtime.rounds import TIME_BUDGET, Round
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import event_consumer

bucket = DownloadsBucket(aws.s3(), Settings().downloads_bucket)


@event_consumer
def handler(_event: dict[str, Any]) -> dict[str, Any]:
    """Answers how many files were deleted, and whether there was no time for more."""
    return asdict(bucket.sweep(Round.of(TIME_BUDGET, utc_now)))
