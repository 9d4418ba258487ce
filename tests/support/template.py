"""The real template.yaml, read as data, so that tests cannot drift from what is deployed."""

from functools import cache
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]


@cache
def template() -> dict[str, Any]:
    document: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())
    return document


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id -> resource, of one type."""
    found = template()["Resources"]
    return {name: item for name, item in found.items() if item["Type"] == kind}


def table_definition(logical_id: str) -> dict[str, Any]:
    """What CreateTable needs of a table in the template."""
    properties = template()["Resources"][logical_id]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return {name: properties[name] for name in wanted if name in properties}


def route_key(properties: dict[str, Any]) -> str:
    """The route of an HttpApi event: `GET /claim`, or `$default` for one without a path."""
    return f"{properties['Method']} {properties['Path']}" if "Path" in properties else "$default"
