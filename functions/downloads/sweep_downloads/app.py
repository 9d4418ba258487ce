"""On a schedule: delete the download files that nothing can reach any more."""

from dataclasses import asdict
from typing import Any

from cardvault.aws import boto_clients
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.core.clock import utc_now
from cardvault.downloads.bucket import DownloadsBucket

bucket = DownloadsBucket(boto_clients.s3(), Settings().downloads_bucket)


@event_consumer
def handler(_event: dict[str, Any]) -> dict[str, Any]:
    """Answers how many files were deleted, and whether there was no time for more."""
    return asdict(bucket.sweep(Round.of(TIME_BUDGET, utc_now)))
