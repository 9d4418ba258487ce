"""Request bodies checked against JSON Schema (draft 7); an error names the field that is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import fastjsonschema

from cardvault.core import typed
from cardvault.core.clock import from_text
from cardvault.core.decimal_json import is_modest
from cardvault.errors import InvalidRequest
from cardvault.http import unknown_names
from cardvault.http.fields import Schema, holds_no_address, is_visible


@dataclass(frozen=True, slots=True)
class Check:
    """Returns a body that fits `schema`, read as it was meant, its defaults filled in.

    Raises InvalidRequest otherwise, with a message that names the field, not its value.
    """

    schema: Schema
    null_is_absent: bool
    _fits: Callable[[Any], dict[str, Any]]

    def __call__(self, body: Any) -> dict[str, Any]:
        """The body, checked."""
        _expect_known_fields(body, self.schema, "")
        if self.null_is_absent:
            body = _without_nulls(body)
        try:
            return self._fits(_as_meant(body, self.schema))
        except fastjsonschema.JsonSchemaValueException as error:
            raise InvalidRequest(_message(error)) from None


def checker(schema: Schema, *, null_is_absent: bool = False) -> Check:
    """A check of bodies against the schema.

    Raises ValueError on a keyword that no message is known for, so at import of the module that
    declares the schema.
    """
    for part in _parts(schema):
        _expect_known(part)
    formats = {name: is_so for name, (is_so, _) in _FORMATS.items()}
    return Check(schema, null_is_absent, fastjsonschema.compile(schema, formats=formats))


def body(required: Schema, optional: Schema | None = None) -> Schema:
    """The schema of an object with these fields and no other."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def _without_nulls(value: Any) -> Any:
    """The body without the fields that are null, also in objects of a list."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return value


def _expect_known_fields(value: Any, schema: Schema, path: str) -> None:
    """Raises InvalidRequest, naming the first field that the schema has not."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            _expect_known_fields(item, schema.get("items", {}), f"{path}[{index}]")
    elif isinstance(value, dict) and "properties" in schema:
        fields = schema["properties"]
        for name, item in value.items():
            if name not in fields:
                raise InvalidRequest(unknown_names.of_field(path, name, fields))
            _expect_known_fields(item, fields[name], f"{path}.{name}" if path else name)


def _as_meant(value: Any, schema: Schema) -> Any:
    """The body as who typed it meant it: `cardvault.core.typed` says how each field is read.

    A text that was left empty is an absent one, where the field may be absent; and `3.0` is whole.
    """
    kind = schema.get("type")
    if isinstance(value, str) and "typed" in schema:
        return _READ[schema["typed"]](value)
    if isinstance(value, Decimal) and kind == "integer" and is_modest(value):
        return int(value) if value == int(value) else value
    if isinstance(value, list):
        return [_as_meant(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict):
        return value
    fields, required = schema.get("properties", {}), schema.get("required", ())
    meant = {name: _as_meant(item, fields.get(name, {})) for name, item in value.items()}
    return {name: item for name, item in meant.items() if item != "" or name in required}


def _parts(schema: Schema) -> Iterator[Schema]:
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", [])]
    for part in [*inner, schema["items"]] if "items" in schema else inner:
        yield from _parts(part)


def _expect_known(schema: Schema) -> None:
    unknown = schema.keys() - _JUDGED - _SILENT - _BOUNDS.keys()
    if unknown:
        raise ValueError(f"no message is known for {', '.join(sorted(unknown))}")
    if schema.get("format", "date-time") not in _FORMATS:
        raise ValueError(f"no format {schema['format']} is known")
    if schema.get("typed", "line") not in _READ:
        raise ValueError(f"nothing is typed as {schema['typed']}")
    if schema.get("additionalProperties", False) is not False:
        raise ValueError("additionalProperties can only be forbidden")
    if schema.keys() & {"pattern", "oneOf"} and "description" not in schema:
        raise ValueError("a pattern and a choice need a description, which is their message")


def _message(error: fastjsonschema.JsonSchemaValueException) -> str:
    field = _place(error.path[1:])
    rule, described = error.rule_definition, error.definition.get("description")
    match error.rule:
        case "required":
            # Of several, the schema's first.
            missing = next(name for name in rule if name not in error.value)
            return f"{field}.{missing} is required" if field else f"{missing} is required"
        case "oneOf":
            return str(described)
        case "pattern":
            what = str(described)
        case "format":
            what = f"must be {_FORMATS[rule][1]}"
        case "enum":
            what = f"must be one of {', '.join(map(str, rule))}"
        case "type":
            kinds = rule if isinstance(rule, list) else [rule]
            what = f"must be {' or '.join(_KINDS[kind] for kind in kinds)}"
        case _:
            what = f"must have {_BOUNDS[error.rule]}".format(rule)
    return f"{field or 'body'} {what}"


def _place(path: list[str]) -> str:
    """Where it is: `recipients[1].customerEmail`."""
    parts = (f"[{part}]" if part.isdecimal() else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def _is_moment(text: str) -> bool:
    try:
        from_text(text)
    except ValueError:
        return False
    return True


_FORMATS: dict[str, tuple[Callable[[str], bool], str]] = {
    "date-time": (_is_moment, "a moment like 2026-01-31T12:00:00Z"),
    "visible": (is_visible, "text without invisible characters"),
    "visible-without-address": (
        holds_no_address,
        "text without invisible characters and without an address of a page or a mailbox",
    ),
}
_READ: dict[str, Callable[[str], str]] = {
    "line": typed.line,
    "digits": typed.digits,
    "amount": typed.amount,
    "email": typed.email,
    "passcode": typed.passcode,
    "language": typed.language,
}
_KINDS = {
    "null": "null",
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}
_BOUNDS = {
    "minimum": "a value of at least {}",
    "maximum": "a value of at most {}",
    "exclusiveMinimum": "a value above {}",
    "exclusiveMaximum": "a value below {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
    "uniqueItems": "no entry twice",
}
_JUDGED = {"type", "enum", "pattern", "format", "required", "additionalProperties", "oneOf"}
_SILENT = {"properties", "items", "description", "default", "typed"}
