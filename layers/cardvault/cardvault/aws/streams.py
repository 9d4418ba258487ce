"""Batches of a DynamoDB stream, key by key, so that one key's trouble keeps no other waiting."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cardvault.aws.failures import as_cardvault_error, report
from cardvault.aws.metrics import count
from cardvault.errors import Retryable

Record = Mapping[str, Any]
Work = Callable[[Sequence[Record]], None]


def work_by_key(records: Sequence[Record], key: str, work: Work) -> list[str]:
    """Hand the records of each key, in their order, to `work`.

    Returns the sequence numbers from which Lambda is to begin again: of each key whose work
    failed, its first. So `work` may be given a record again.
    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
    """
    by_key = defaultdict(list)
    for record in records:
        by_key[record["dynamodb"]["Keys"][key]["S"]].append(record)
    return [
        str(of_key[0]["dynamodb"]["SequenceNumber"])
        for of_key in by_key.values()
        if not _is_done(work, of_key)
    ]


def _is_done(work: Work, records: Sequence[Record]) -> bool:
    try:
        work(records)
    except Exception as error:  # noqa: BLE001 - one key must not keep the others waiting
        report(error)
        # What passes is brought again. What does not is given up after many tries, hours later.
        if not isinstance(as_cardvault_error(error), Retryable):
            count("TaskFailures")
        return False
    return True
