"""What DynamoDB calls cost, and partitions that have no more than theirs to give.

A write costs a unit per KB of the item before or after it, whichever is larger; a consistent read
one per 4 KB, another half as much; in a transaction each counts twice. A partition takes 1,000
write and 3,000 read units a second, and what it did not use of the last 300 seconds if it is let.
Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError

from cardvault.aws import retries
from tests.support.template import table_definition

WRITE_UNITS_A_SECOND, READ_UNITS_A_SECOND, BURST_SECONDS = 1_000, 3_000, 300
LATENCY_S = 0.02
UNFILTERED = ("TableName", "KeyConditionExpression", "ConsistentRead", "ExclusiveStartKey", "Limit")

Item = dict[str, dict[str, Any]]


@dataclass
class Cost:
    """Units by partition, which is a table and a hash key."""

    written: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    read: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))


def written_by(client: Any, real: Any, operation: str, arguments: dict[str, Any]) -> Cost:
    """What a call that has not been made yet will write."""
    cost = Cost()
    transaction = operation == "TransactWriteItems"
    for kind, request in _writes(operation, arguments):
        before = _stored(client, real, request)
        units = _units(max(_size(before), _size(_after(kind, request, before))), 1024)
        cost.written[_partition(request)] += 2 * units if transaction else units
    return cost


def read_by(
    client: Any, real: Any, operation: str, arguments: dict[str, Any], answer: dict[str, Any]
) -> Cost:
    """What a call has read, also of what it did not ask to be shown."""
    cost = Cost()
    if operation == "TransactGetItems":
        for asked, found in zip(arguments["TransactItems"], answer["Responses"], strict=True):
            units = 2 * _units(_size(found.get("Item", {})), 4096)
            cost.read[_partition(asked["Get"])] += units
    elif operation == "GetItem":
        share = 1 if arguments.get("ConsistentRead") else 0.5
        cost.read[_partition(arguments)] += share * _units(_size(answer.get("Item", {})), 4096)
    elif operation == "Query":
        share = 1 if arguments.get("ConsistentRead") else 0.5
        condition = arguments["KeyConditionExpression"]
        values = arguments["ExpressionAttributeValues"]
        unfiltered = {name: arguments[name] for name in UNFILTERED if name in arguments}
        for given in ("ExpressionAttributeValues", "ExpressionAttributeNames"):
            unfiltered[given] = {n: v for n, v in arguments[given].items() if n in condition}
        items = real(client, "Query", unfiltered)["Items"]
        (hash_value,) = values[re.findall(r"= (:\w+)", condition)[0]].values()
        whole = _units(sum(map(_size, items)), 4096)
        cost.read[arguments["TableName"], hash_value] += share * whole
    return cost


@dataclass
class Bucket:
    """Units that come back at a steady rate. `level` is what is there at `filled_at`."""

    rate: float
    size: float
    level: float
    filled_at: float = 0.0

    def take(self, units: float, now: float) -> bool:
        """Take them all if they are there."""
        self.level = min(self.size, self.level + self.rate * (now - self.filled_at))
        self.filled_at = now
        if units > self.level:
            return False
        self.level -= units
        return True


@dataclass
class Partitions:
    """Every hash key alone on a partition, in a time of its own that only pauses and calls move.

    `unused` says that nothing was written or read for five minutes; else there is no burst.
    `share` is how much of a partition is left for us.
    """

    unused: bool = False
    share: float = 1.0
    now: float = 0.0
    refused: int = 0
    written: float = 0.0
    buckets: dict[tuple[str, str, str], Bucket] = field(default_factory=dict)

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def take(self, cost: Cost) -> bool:
        wanted = [
            (self._bucket(kind, rate, partition), units)
            for kind, rate, units_of in (
                ("write", WRITE_UNITS_A_SECOND, cost.written),
                ("read", READ_UNITS_A_SECOND, cost.read),
            )
            for partition, units in units_of.items()
        ]
        if all(bucket.take(units, self.now) for bucket, units in wanted):
            self.written += sum(cost.written.values())
            return True
        self.refused += 1
        return False

    def _bucket(self, kind: str, rate: int, partition: tuple[str, str]) -> Bucket:
        rate_left = rate * self.share
        size = rate_left * (BURST_SECONDS if self.unused else 1)
        level = size if self.unused else 0.0
        return self.buckets.setdefault((kind, *partition), Bucket(rate_left, size, level, self.now))


@contextmanager
def limited(partitions: Partitions) -> Iterator[Partitions]:
    """DynamoDB calls refused where a partition has not the units for them; pauses take no time."""
    real = vars(botocore.client.BaseClient)["_make_api_call"]

    def limiting(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name != "dynamodb":
            return real(client, operation, arguments)
        partitions.now += LATENCY_S
        writing = [kind for kind, _ in _writes(operation, arguments)]
        if writing:
            if not partitions.take(written_by(client, real, operation, arguments)):
                raise throttled(operation, len(writing))
            return real(client, operation, arguments)
        answer = real(client, operation, arguments)
        if not partitions.take(read_by(client, real, operation, arguments, answer)):
            raise throttled(operation, len(arguments.get("TransactItems", ())))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", limiting)
        patch.setattr(retries, "sleep", partitions.pause)
        yield partitions


def throttled(operation: str, items: int, code: str = "ThrottlingError") -> ClientError:
    """What DynamoDB says when a partition is exhausted: a transaction's first item is to blame."""
    if operation.startswith("Transact"):
        reasons = [{"Code": code}, *({"Code": "None"} for _ in range(items - 1))]
        error = {"Code": "TransactionCanceledException", "Message": "canceled"}
        answer: Any = {"Error": error, "CancellationReasons": reasons}
    else:
        error = {"Code": "ProvisionedThroughputExceededException", "Message": "exceeded"}
        answer = {"Error": error}
    return ClientError(answer, operation)


def _writes(operation: str, arguments: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if operation == "TransactWriteItems":
        return [next(iter(item.items())) for item in arguments["TransactItems"]]
    kinds = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete"}
    return [(kinds[operation], arguments)] if operation in kinds else []


def _after(kind: str, request: dict[str, Any], before: Item) -> Item:
    if kind == "Put":
        return dict(request["Item"])
    if kind == "Delete":
        return {}
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    settings = re.findall(r"(#\w+) = (:\w+)", request.get("UpdateExpression", ""))
    return {**before, **{names[name]: values[value] for name, value in settings}}


def _stored(client: Any, real: Any, request: dict[str, Any]) -> Item:
    table = request["TableName"]
    schema = real(client, "DescribeTable", {"TableName": table})["Table"]["KeySchema"]
    given = request.get("Key") or request["Item"]
    key = {part["AttributeName"]: given[part["AttributeName"]] for part in schema}
    found = real(client, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
    return dict(found.get("Item", {}))


def _partition(request: dict[str, Any]) -> tuple[str, str]:
    given = request.get("Key") or request["Item"]
    schema = table_definition(request["TableName"])["KeySchema"]
    named = next(key["AttributeName"] for key in schema if key["KeyType"] == "HASH")
    return request["TableName"], str(given[named]["S"])


def _size(item: Item) -> int:
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    (content,) = value.values()
    if isinstance(content, bytes):
        return len(content)
    return len(content.encode()) if isinstance(content, str) else 1


def _units(size: int, unit: int) -> int:
    return max(1, -(-size // unit))
