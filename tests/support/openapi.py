"""docs/openapi.yaml as data, and its schemas as what they mean to a reader of OpenAPI."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from tests.support.template import ROOT

METHODS = {"get", "head", "put", "post", "delete", "patch"}


@cache
def spec() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())
    return document


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or what its $ref points to."""
    if "$ref" not in part:
        return part
    found = spec()
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """(method, path) -> operation, with the path's parameters and servers."""
    found = {}
    for path, item in spec()["paths"].items():
        for method in (name for name in item if name in METHODS):
            operation = item[method]
            parameters = item.get("parameters", []) + operation.get("parameters", [])
            servers = item.get("servers", spec()["servers"])
            merged = {**operation, "parameters": list(map(resolved, parameters))}
            found[method.upper(), path] = {**merged, "servers": servers}
    return found


def answers(operation: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Status -> response."""
    return {int(status): resolved(answer) for status, answer in operation["responses"].items()}


def bodies(content: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[Any]]]:
    """The (schema, examples) of each media type."""
    for media in content.values():
        examples = map(resolved, media.get("examples", {}).values())
        yield media["schema"], [example["value"] for example in examples]


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return bool(validator(schema).is_valid(value))


def validator(schema: dict[str, Any], *, closed: bool = False) -> Draft202012Validator:
    """Checks against a schema of the document; `closed` also refuses fields it does not name."""
    document = {"components": spec()["components"], "allOf": [schema]}
    checks = Draft202012Validator.FORMAT_CHECKER
    return _Ecma(_closed(document) if closed else document, format_checker=checks)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {name: _closed(part) for name, part in schema.items()}
    if shut.get("type") == "object" and "properties" in shut:
        shut["additionalProperties"] = False
    return shut


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    # Patterns are ECMA 262's, whose `$` is the very end: Python's `\Z`.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"does not match {pattern}")


_Ecma = extend(Draft202012Validator, {"pattern": _pattern})
