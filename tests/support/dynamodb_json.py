"""Items in DynamoDB's JSON: `{"balance": {"N": "100"}}`."""

import base64
from collections.abc import Mapping
from typing import Any

Item = dict[str, dict[str, Any]]


def as_item(fields: Mapping[str, str | int]) -> Item:
    """Texts and whole numbers as an item."""
    return {
        name: {"S": value} if isinstance(value, str) else {"N": str(value)}
        for name, value in fields.items()
    }


def as_fields(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item's values: numbers whole, binary as bytes, a list as a list."""
    return {name: _value(*value.items()) for name, value in item.items()}


def _value(typed: tuple[str, Any]) -> Any:
    kind, value = typed
    match kind:
        case "N":
            return int(value)
        case "B":
            return bytes(value) if isinstance(value, bytes | bytearray) else base64.b64decode(value)
        case "L":
            return [_value(*each.items()) for each in value]
    return value


def to_json(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """An item as boto3 gives it, with binary values in base64, for a JSON file."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }


def from_json(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """The reverse of `to_json`."""
    return {
        name: {kind: base64.b64decode(value) if kind == "B" else value}
        for name, typed in item.items()
        for kind, value in typed.items()
    }
