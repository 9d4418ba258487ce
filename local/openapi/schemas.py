"""Schemas of the code as schemas of the document."""

import importlib
from typing import Any

Schema = dict[str, Any]

# Its descriptions are error messages, and how a text is read makes the description no other.
_OF_THE_CODE = {"description", "typed"}


def named(path: str) -> Any:
    """What a base's `module:name` points to."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def as_told(schema: Schema, components: dict[str, Schema], *, root: bool = True) -> Schema:
    """A draft-7 schema of the code for OpenAPI 3.1, with a $ref to each field that has a name.

    `components` are fields by name.
    """
    for name, field in components.items():
        if not root and schema == field:
            return {"$ref": f"#/components/schemas/{name}"}
    told = {rule: value for rule, value in schema.items() if rule not in _OF_THE_CODE}
    if "pattern" in told:
        told["pattern"] = told["pattern"].replace(r"\Z", "$").replace(r"\x24", "$")
    if "properties" in told:
        fields = told["properties"].items()
        told["properties"] = {
            name: as_told(field, components, root=False) for name, field in fields
        }
    if "items" in told:
        told["items"] = as_told(told["items"], components, root=False)
    if not told.get("required", True):
        del told["required"]
    return told


def laid_over(below: Any, above: Any) -> Any:
    """`below`, with what `above` says besides or instead."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    both = {name: laid_over(below[name], above[name]) for name in below if name in above}
    return {**below, **above, **both}
