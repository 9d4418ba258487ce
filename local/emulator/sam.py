"""The SAM transform: it resolves some references itself, where it has the values of parameters."""

from collections.abc import Mapping
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers

Template = Mapping[str, Any]

_transform = engine._apply_transforms


def fill_gaps() -> None:
    """Transform with the values that were given."""
    for module in (changesets, handlers):
        module._apply_transforms = transform


def transform(template: Template, provided: Any = None, previous: Any = None) -> Template:
    """Fill a gap: SAM is given no values, and puts in a parameter's default."""
    declared = template.get("Parameters") or {}
    values = engine._transform_parameters(template, provided, previous)
    given = {name: {**declared[name], "Default": value} for name, value in values.items()}
    valued = {**template, "Parameters": {**declared, **given}}
    made: dict[str, Any] = _transform(valued, provided, previous)
    made["Parameters"] = declared
    return made
