"""From a DynamoDB stream to a function: batches, in order for each partition key, until handled.

The emulator's own poller hands over one batch of the whole table at a time, in the thread of every
other mapping; it knows neither partial answers, nor halves of batches, nor a limit of retries.
"""

import os
import threading
import time
import zlib
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, dynamodb, eventbridge, lambda_svc

from local.emulator import stream_role
from local.emulator.stream_batches import (
    Batch,
    Record,
    Settings,
    handled,
    reason_to_give_up,
    to_be_repeated,
)

SHARDS = int(os.environ.get("EMULATOR_STREAM_SHARDS", "2"))
"""More than one, so that a function meets what it meets on AWS: itself, with other keys."""
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0

Mapped = dict[str, Any]


@dataclass
class Lane:
    """What is handed over one batch after the other: a shard, or a part of one."""

    waiting: deque[Record] = field(default_factory=deque)
    repeated: list[Batch] = field(default_factory=list)
    under_way: Batch | None = None
    failures_in_a_row: int = 0

    def next_batch(self, size: int) -> Batch | None:
        """Begin the next batch, unless one is under way or nothing is left."""
        if self.under_way is None and self.repeated:
            self.under_way = self.repeated.pop(0)
        elif self.under_way is None and self.waiting:
            count = min(size, len(self.waiting))
            self.under_way = Batch(tuple(self.waiting.popleft() for _ in range(count)))
        else:
            return None
        return self.under_way

    def end_batch(self, repeated: list[Batch]) -> None:
        """End the batch under way; what has to be repeated comes before what waits."""
        self.repeated[:0] = repeated
        self.under_way = None

    def unfinished(self) -> Iterator[Record]:
        """The first record of everything that is not finished."""
        begun = [self.under_way] if self.under_way else []
        yield from (batch.records[0] for batch in [*begun, *self.repeated])
        yield from list(self.waiting)[:1]


@dataclass
class Delivery:
    """How far a mapping has read its stream, and what it has not handed over yet."""

    read_to: int
    lanes: dict[tuple[int, int], Lane] = field(default_factory=lambda: defaultdict(Lane))

    @property
    def finished_to(self) -> int:
        """The position before which everything is finished: where a restart begins again."""
        unfinished = [
            record.position for lane in self.lanes.values() for record in lane.unfinished()
        ]
        return min([*unfinished, self.read_to])


_deliveries: dict[str, Delivery] = {}
_changing = threading.Lock()


def poll() -> bool:
    """Start the batches that can be started, of every mapping; return whether there was one."""
    mappings = list(lambda_svc._iter_all_esms())
    for gone in _deliveries.keys() - {mapping["UUID"] for _, _, mapping in mappings}:
        del _deliveries[gone]
    started = [_serve(account, region, mapping) for account, region, mapping in mappings]
    return any(started)


def _serve(account: str, region: str, mapping: Mapped) -> bool:
    with request_scope(account, region):
        table = _table_of(mapping)
        function = _function_of(mapping)
        if table is None or function is None or not mapping.get("Enabled", True):
            return False
        refusal = stream_role.cannot_read(function["config"]["Role"], mapping["EventSourceArn"])
        if refusal:
            mapping["LastProcessingResult"] = f"PROBLEM: {refusal}"
            return False
        settings = Settings.of(mapping)
        with _changing:
            delivery = _delivery_of(mapping, table["TableName"])
            _read(delivery, mapping, settings, table)
            started = [
                (lane, batch)
                for lane in delivery.lanes.values()
                if (batch := lane.next_batch(settings.batch_size))
            ]
            _remember(mapping, delivery)
        for lane, batch in started:
            lambda_svc._dispatch_esm_batch(
                mapping["UUID"], _hand_over, mapping, delivery, lane, batch
            )
        return bool(started)


def _table_of(mapping: Mapped) -> dict[str, Any] | None:
    """The table whose present stream a mapping reads."""
    stream = mapping.get("EventSourceArn", "")
    table_arn, _, label = stream.partition("/stream/")
    table = dynamodb._tables.get(table_arn.rpartition("/")[2]) if label else None
    return table if table and table.get("LatestStreamArn") == stream else None


def _function_of(mapping: Mapped) -> dict[str, Any] | None:
    """The function that a mapping calls, at the version its alias names now."""
    name, qualifier = mapping["FunctionName"], mapping.get("Qualifier")
    function: dict[str, Any] | None
    function, _config = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    return function


def _delivery_of(mapping: Mapped, table: str) -> Delivery:
    known = _deliveries.get(mapping["UUID"])
    if known is None:
        lambda_svc._init_stream_position(
            mapping["UUID"], mapping["EventSourceArn"], mapping.get("StartingPosition", "LATEST")
        )
        position = lambda_svc._dynamodb_stream_positions[mapping["UUID"]]
        known = Delivery(min(position, dynamodb.stream_end_position(table)))
        _deliveries[mapping["UUID"]] = known
    return known


def _read(
    delivery: Delivery, mapping: Mapped, settings: Settings, table: Mapping[str, Any]
) -> None:
    """Sort what is new in the stream into lanes, without what the filters leave out."""
    name = table["TableName"]
    start = max(delivery.read_to, dynamodb.stream_start_position(name))
    end = dynamodb.stream_end_position(name)
    for position, event in enumerate(
        dynamodb.stream_records_since(name, start, end - start), start
    ):
        delivery.read_to = position + 1
        if _passes(mapping, event):
            keys = event["dynamodb"]["Keys"]
            shard = _share(keys[table["pk_name"]], SHARDS)
            lane = delivery.lanes[shard, _share(keys, settings.parallelization_factor)]
            lane.waiting.append(Record(position, event))


def _share(value: object, shares: int) -> int:
    return zlib.crc32(repr(value).encode()) % shares


def _passes(mapping: Mapped, event: Mapping[str, Any]) -> bool:
    """Judge a record by EventBridge's rules, which the emulator's filters know only in part."""
    filters = (mapping.get("FilterCriteria") or {}).get("Filters") or ()
    view = eventbridge._EventView(event, "{}")
    return not filters or any(
        eventbridge._matches_pattern_view(one["Pattern"], view, mapping["UUID"]) for one in filters
    )


def _remember(mapping: Mapped, delivery: Delivery) -> None:
    if mapping["UUID"] in lambda_svc._esms:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = delivery.finished_to


def _hand_over(mapping: Mapped, delivery: Delivery, lane: Lane, batch: Batch) -> None:
    """Give a batch to the function, in a thread of its own, and see to what it did not handle."""
    repeated = [batch]
    try:
        repeated = _invoke(mapping, batch)
        progress = not repeated or repeated[0].records[0] != batch.records[0]
        lane.failures_in_a_row = 0 if progress else lane.failures_in_a_row + 1
        if repeated:
            time.sleep(min(FIRST_PAUSE_S * 2**lane.failures_in_a_row, LONGEST_PAUSE_S))
    finally:
        with _changing:
            lane.end_batch(repeated)
            _remember(mapping, delivery)


def _invoke(mapping: Mapped, batch: Batch) -> list[Batch]:
    """Invoke the function and return what is to be repeated."""
    function, settings = _function_of(mapping), Settings.of(mapping)
    if function is None:
        return [batch]
    age_ms = max(0.0, time.time() - batch.records[-1].created_at) * 1000
    of_function = {"FunctionName": mapping["FunctionName"]}
    cloudwatch.record_metric("AWS/Lambda", "IteratorAge", age_ms, "Milliseconds", of_function)
    events = [record.event for record in batch.records]
    result = lambda_svc._execute_function(function, {"Records": events})
    if result.get("throttle"):
        return [batch]
    done = 0 if result.get("error") else len(batch.records)
    if done and settings.reports_failures:
        done = handled(batch, result.get("body"))
    if done == len(batch.records):
        mapping["LastProcessingResult"] = "OK"
        return []
    mapping["LastProcessingResult"] = "PROBLEM: Function call failed"
    repeated = to_be_repeated(batch, done, settings)
    condition = reason_to_give_up(repeated[0], settings, time.time())
    if condition is None:
        return repeated
    _discard(mapping, function, repeated[0], result, condition)
    return repeated[1:]


def _discard(
    mapping: Mapped, function: dict[str, Any], batch: Batch, result: Mapping[str, Any], why: str
) -> None:
    """Tell the destination of failures which records are given up."""
    if refusal := stream_role.cannot_send(function["config"]["Role"], mapping):
        mapping["LastProcessingResult"] = f"PROBLEM: {refusal}"
        return
    events = [record.event for record in batch.records]
    lambda_svc._send_ddb_stream_failure_record(
        mapping, function, events, mapping["EventSourceArn"], result, why
    )
