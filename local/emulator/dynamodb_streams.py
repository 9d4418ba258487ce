"""DynamoDB streams: the records that the emulator forgets, and those it writes otherwise than AWS.

One write that took place is one record, in the order of the writes: that the emulator does by
itself for every operation but for items that expire.
"""

import copy
import functools
import json
import threading
from contextvars import ContextVar
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope
from ministack.services import dynamodb

REAPER = "dynamodb-ttl-reaper"
"""The emulator's thread that removes what has expired."""
DYNAMODB_ITSELF = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
STORES = ("_stream_records", "_stream_trimmed")

_expiring: ContextVar[bool] = ContextVar("an item is expiring", default=False)


def fill_gaps() -> None:
    """Record what expires, give records AWS's shape, and keep them with the rest of the state."""
    _record_expired_items()
    _give_records_the_shape_of_aws()
    _keep_records_over_a_restart()


def _record_expired_items() -> None:
    """Fill a gap: an item that expires leaves no record; on AWS DynamoDB itself removed it."""
    remove = dynamodb._remove_item

    @functools.wraps(remove)
    def remove_and_record(table: dict[str, Any], partition: str, sort: str) -> Any:
        removed = remove(table, partition, sort)
        if removed is not None and threading.current_thread().name == REAPER:
            _record_expiry(table, removed)
        return removed

    dynamodb._remove_item = remove_and_record


def _record_expiry(table: dict[str, Any], item: dict[str, Any]) -> None:
    place = parse_arn(table["TableArn"])
    expiring = _expiring.set(True)
    try:
        with request_scope(place.account_id, place.region):
            dynamodb._emit_stream_event(table["TableName"], "REMOVE", item, None)
    finally:
        _expiring.reset(expiring)


def _give_records_the_shape_of_aws() -> None:
    """Fill a gap: a record has no size, an id with dashes, and a number that begins with zeros.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
    """
    build = dynamodb._build_change_record

    @functools.wraps(build)
    def build_record(*change: Any) -> dict[str, Any]:
        record: dict[str, Any] = build(*change)
        change_of_item = record["dynamodb"]
        record["eventID"] = record["eventID"].replace("-", "")
        change_of_item["SequenceNumber"] = change_of_item["SequenceNumber"].lstrip("0")
        images = [change_of_item.get(name, {}) for name in ("Keys", "OldImage", "NewImage")]
        change_of_item["SizeBytes"] = sum(len(json.dumps(image)) for image in images if image)
        if _expiring.get():
            record["userIdentity"] = DYNAMODB_ITSELF
        return record

    dynamodb._build_change_record = build_record


def _keep_records_over_a_restart() -> None:
    """Fill a gap: positions in a stream are saved and its records are not, so that both are lost.

    What was not delivered would never be, nor would as many records as had been before.
    """
    get_state, restore = dynamodb.get_state, dynamodb._restore_state

    @functools.wraps(get_state)
    def state_with_streams() -> dict[str, Any]:
        streams = {name: copy.deepcopy(getattr(dynamodb, name)) for name in STORES}
        return {**get_state(), **streams}

    @functools.wraps(restore)
    def restore_with_streams(state: dict[str, Any]) -> None:
        for name in STORES:  # before the tables, without which no record is read
            getattr(dynamodb, name).update((state or {}).get(name, {}))
        restore(state)

    dynamodb.get_state, dynamodb._restore_state = state_with_streams, restore_with_streams
