"""IAM for DynamoDB, when it is enforced (AUTH=true): a request's condition keys, item by item."""

import functools
import json
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

from local.emulator.dynamodb_access import ItemAccess, accesses

_SEVERAL = {"dynamodb:Attributes", "dynamodb:LeadingKeys", "dynamodb:EnclosingOperation"}
_request: ContextVar[dict[str, Any] | None] = ContextVar("DynamoDB request", default=None)
_items: ContextVar[Iterator[ItemAccess] | None] = ContextVar("items yet to judge", default=None)


def fill_gaps() -> None:
    """Fill a gap: conditions see the attributes of projections alone, and no leading keys.

    `ForAllValues` is true of what is not there, so they would all hold.
    """
    service_context, enforce = iam_actions.dynamodb_service_context, iam_evaluator.enforce

    @functools.wraps(service_context)
    def remember(body: bytes) -> dict[str, Any]:
        request = json.loads(body or b"{}")
        _request.set(request)
        _items.set(iter(_transaction(request)))
        return dict(service_context(body))

    @functools.wraps(enforce)
    def enforce_item(
        access_key: str, action: str, service: str, region: str, **options: Any
    ) -> Any:
        request = _request.get()
        if service == "dynamodb" and request is not None:
            item = _item(request, action, options.get("resource_arn", ""))
            context = options.get("service_context") or {}
            options["service_context"] = {**context, **_keys(item)}
        return enforce(access_key, action, service, region, **options)

    iam_actions.dynamodb_service_context = remember
    iam_evaluator.enforce = enforce_item


def _transaction(request: dict[str, Any]) -> list[ItemAccess]:
    entries = request.get("TransactItems", ())
    reads = any("Get" in entry for entry in entries)
    operation = "TransactGetItems" if reads else "TransactWriteItems"
    return accesses(operation, request, _partition_key) if entries else []


def _item(request: dict[str, Any], action: str, resource: str) -> ItemAccess | None:
    """What is judged now: the emulator takes a transaction's items in their order."""
    if "TransactItems" in request:
        return next(_items.get() or iter(()), None)
    if not {"TableName", "RequestItems"} & request.keys():
        return None
    table = resource.partition("table/")[2].partition("/")[0]
    found = accesses(action.partition(":")[2], request, _partition_key)
    return next((item for item in found if item.table == table), None)


def _keys(item: ItemAccess | None) -> dict[str, Any]:
    if item is None:
        return {}
    return {
        key: list(values) if key in _SEVERAL else values[0] for key, values in item.context.items()
    }


def _partition_key(table: str, index: str | None) -> str:
    known = dynamodb._tables.get(table) or {}
    if index is None:
        return str(known.get("pk_name", ""))
    indexes = [*known.get("GlobalSecondaryIndexes", ()), *known.get("LocalSecondaryIndexes", ())]
    schema = next((one["KeySchema"] for one in indexes if one["IndexName"] == index), ())
    return next((key["AttributeName"] for key in schema if key["KeyType"] == "HASH"), "")
