"""Batches of an event source mapping of a DynamoDB stream, and what follows when one fails.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the function gets it, and its position in the stream."""

    position: int
    event: Mapping[str, Any]

    @property
    def sequence_number(self) -> str:
        """What the function names the record by when it could not handle it."""
        return str(self.event["dynamodb"]["SequenceNumber"])

    @property
    def created_at(self) -> float:
        """When the item was written, in seconds since 1970."""
        return float(self.event["dynamodb"]["ApproximateCreationDateTime"])


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that the function gets together, and how often that failed."""

    records: tuple[Record, ...]
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a mapping, with AWS's defaults. -1 is: for as long as it takes."""

    batch_size: int
    parallelization_factor: int
    bisects: bool
    reports_failures: bool
    retries: int
    max_age_s: int

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Self:
        """Read them from a mapping as the emulator stores it."""
        return cls(
            batch_size=int(mapping.get("BatchSize") or 100),
            parallelization_factor=int(mapping.get("ParallelizationFactor") or 1),
            bisects=str(mapping.get("BisectBatchOnFunctionError")).lower() == "true",
            reports_failures="ReportBatchItemFailures"
            in (mapping.get("FunctionResponseTypes") or ()),
            retries=int(mapping.get("MaximumRetryAttempts", -1)),
            max_age_s=int(mapping.get("MaximumRecordAgeInSeconds", -1)),
        )


def handled(batch: Batch, answer: object) -> int:
    """How many records, from the first on, the function has handled by its own account.

    It names the records that failed; the first of them is where AWS begins again. A name that
    is not of the batch (an empty one, none at all) means that everything failed.
    """
    failures = answer.get("batchItemFailures") if isinstance(answer, Mapping) else None
    if not failures:
        return len(batch.records)
    numbers = [record.sequence_number for record in batch.records]
    named = [
        failure.get("itemIdentifier") if isinstance(failure, Mapping) else None
        for failure in failures
    ]
    return min(numbers.index(name) if name in numbers else 0 for name in named)


def to_be_repeated(batch: Batch, done: int, settings: Settings) -> list[Batch]:
    """Return the batches that follow a batch of which only the first records were handled.

    Cutting it, at the record that failed or in the middle, does not count as a retry.
    """
    rest = batch.records[done:]
    if not settings.bisects or len(batch.records) == 1:
        return [Batch(rest, batch.failures + 1)]
    if done:
        return [Batch(rest, batch.failures)]
    middle = len(rest) // 2
    return [Batch(rest[:middle], batch.failures), Batch(rest[middle:], batch.failures)]


def reason_to_give_up(batch: Batch, settings: Settings, now: float) -> str | None:
    """Return the condition under which a batch is discarded, as AWS names it."""
    if 0 <= settings.retries < batch.failures:
        return "RetryAttemptsExhausted"
    if 0 <= settings.max_age_s < now - batch.records[0].created_at:
        return "MaxRecordAgeExceeded"
    return None
