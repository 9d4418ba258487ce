"""Request bodies checked against JSON Schema (draft 7); what is wrong is said by field name."""

from collections.abc import Callable
from typing import Any

import fastjsonschema

from cardvault.errors import InvalidRequest

Check = Callable[[Any], dict[str, Any]]


def checker(schema: dict[str, Any]) -> Check:
    """A function that returns a body which fits the schema.

    It raises InvalidRequest otherwise, with a message that names the field, not its value.
    """
    compiled = fastjsonschema.compile(schema)

    def check(body: Any) -> dict[str, Any]:
        try:
            checked: dict[str, Any] = compiled(body)
        except fastjsonschema.JsonSchemaValueException as error:
            raise InvalidRequest(_message(error)) from None
        return checked

    return check


def _message(error: fastjsonschema.JsonSchemaValueException) -> str:
    field = ".".join(str(part) for part in error.path[1:])
    rule, said = error.rule_definition, error.definition.get("description")
    match error.rule:
        case "required":
            # Of several, the schema's first.
            missing = next(name for name in rule if name not in error.value)
            return f"{field}.{missing} is required" if field else f"{missing} is required"
        case "additionalProperties":
            # The name comes from the caller and could be anything, a pasted code for one.
            what = "has a field that is not known"
        case "oneOf":
            return str(said)
        case "pattern":
            what = str(said)
        case "enum":
            what = f"must be one of {', '.join(map(str, rule))}"
        case "type":
            what = f"must be {_KINDS[rule]}"
        case _:
            what = f"must have {_BOUNDS[error.rule]}".format(rule)
    return f"{field or 'body'} {what}"


_KINDS = {
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
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
}
