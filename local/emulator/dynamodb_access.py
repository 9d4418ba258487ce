"""What DynamoDB tells IAM of a request: action, table and condition keys, item by item.

The keys are those of
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html;
the items of a transaction are judged each as the action it performs:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WHOLE_ITEM = "(every attribute)"
"""Stands in `dynamodb:Attributes` for an item that a write returns whole."""

Context = Mapping[str, tuple[str, ...]]
PartitionKey = Callable[[str, str | None], str]

_TRANSACTIONS = {"TransactWriteItems", "TransactGetItems"}
_MEMBERS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "ConditionCheck": "ConditionCheckItem",
}
_READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
_RETURNING = {"PutItem", "UpdateItem", "DeleteItem"}
_EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "ProjectionExpression",
    "FilterExpression",
    "KeyConditionExpression",
)
# The first name of a path: not one behind a dot, nor a value, nor a function's name.
_NAME = re.compile(r"(?<![\w.#:])(#\w+|[A-Za-z_]\w*)(?!\w|\s*\()")
_WORDS = {"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}
_EQUALS = re.compile(r"(#?\w+)\s*=\s*(:\w+)")


@dataclass(frozen=True, slots=True)
class ItemAccess:
    """One thing that IAM decides: an action on a table or one of its indexes, and its context."""

    action: str
    table: str
    index: str | None
    context: Context


def accesses(
    operation: str, request: Mapping[str, Any], partition_key: PartitionKey
) -> list[ItemAccess]:
    """What an operation asks for, as botocore names it and as it goes over the wire.

    `partition_key` tells the name of a table's, or of an index's.
    """
    return list(_accesses(operation, request, partition_key))


def _accesses(
    operation: str, request: Mapping[str, Any], partition_key: PartitionKey
) -> Iterator[ItemAccess]:
    if operation in _TRANSACTIONS:
        enclosing = {"dynamodb:EnclosingOperation": (operation,)}
        for entry in request["TransactItems"]:
            for member, item in entry.items():
                yield _access(_MEMBERS[member], item, partition_key, enclosing)
    elif operation in {"BatchGetItem", "BatchWriteItem"}:
        for table, batch in request["RequestItems"].items():
            yield _access(operation, {**_merged(batch), "TableName": table}, partition_key)
    else:
        yield _access(operation, request, partition_key)


def _merged(batch: Any) -> Mapping[str, Any]:
    if isinstance(batch, Mapping):
        return batch
    wanted = [next(iter(entry.values())) for entry in batch]
    return {"Items": [entry.get("Item") or entry.get("Key") for entry in wanted]}


def _access(
    action: str, item: Mapping[str, Any], partition_key: PartitionKey, more: Context | None = None
) -> ItemAccess:
    table, index = str(item["TableName"]).rpartition("/")[2], item.get("IndexName")
    context: dict[str, tuple[str, ...]] = dict(more or {})
    if attributes := _attributes(item):
        context["dynamodb:Attributes"] = tuple(sorted(attributes))
    if keys := _leading_keys(item, partition_key(table, index)):
        context["dynamodb:LeadingKeys"] = tuple(sorted(keys))
    if action in _RETURNING and not more:
        context["dynamodb:ReturnValues"] = (str(item.get("ReturnValues", "NONE")),)
    if action in _READS:
        named = "ProjectionExpression" in item or "AttributesToGet" in item
        otherwise = "SPECIFIC_ATTRIBUTES" if named else "ALL_ATTRIBUTES"
        context["dynamodb:Select"] = (str(item.get("Select", otherwise)),)
    return ItemAccess(f"dynamodb:{action}", table, index, context)


def _attributes(item: Mapping[str, Any]) -> set[str]:
    """The attributes a request names, and WHOLE_ITEM where a write has all of them returned.

    Of a read the key `dynamodb:Select` tells whether it is more than what was named.
    """
    names = item.get("ExpressionAttributeNames") or {}
    found = {name for stored in _items(item) for name in stored}
    found |= set(item.get("AttributesToGet", ()))
    for expression in _EXPRESSIONS:
        for name in _NAME.findall(item.get(expression) or ""):
            if name.upper() not in _WORDS:
                found.add(names.get(name, name))
    if _returns_all(item):
        found.add(WHOLE_ITEM)
    return found


def _returns_all(item: Mapping[str, Any]) -> bool:
    returned = {item.get("ReturnValues"), item.get("ReturnValuesOnConditionCheckFailure")}
    return bool({"ALL_OLD", "ALL_NEW"} & returned)


def _items(item: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from (item[name] for name in ("Item", "Key") if name in item)
    yield from item.get("Items", ())
    yield from item.get("Keys", ())


def _leading_keys(item: Mapping[str, Any], partition_key: str) -> set[str]:
    found = {_text(stored[partition_key]) for stored in _items(item) if partition_key in stored}
    names = item.get("ExpressionAttributeNames") or {}
    values = item.get("ExpressionAttributeValues") or {}
    for name, value in _EQUALS.findall(item.get("KeyConditionExpression") or ""):
        if names.get(name, name) == partition_key:
            found.add(_text(values[value]))
    return found


def _text(value: Mapping[str, Any]) -> str:
    return str(next(iter(value.values())))
