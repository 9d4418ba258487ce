"""Bodies of the gift-card API, checked; a wrong one is 422, as in the published API."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from cardvault.core.clock import from_text
from cardvault.errors import InvalidRequest, Unprocessable
from cardvault.http import schemas

Schema = dict[str, Any]

ID: Schema = {
    "type": "string",
    "pattern": r"^[0-9a-f]{24}\Z",
    "description": "must be 24 hex digits",
}
# The published examples name merchants and customers freely: "merchant_123".
NAME_OF_YOURS: Schema = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,127}\Z",
    "description": "must be 1 to 128 letters, digits or _ . : @ | -",
}
EMAIL: Schema = {
    "type": "string",
    "pattern": r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}\Z",
    "description": "must be an e-mail address",
}
PHONE: Schema = {
    "type": "string",
    "pattern": r"^\+[1-9][0-9]{6,14}\Z",
    "description": "must be a phone number like +442071838750",
}
CODE: Schema = {
    "type": "string",
    "pattern": r"^[0-9]{6}\Z",
    "description": "must be 6 digits",
}
NUMBER: Schema = {
    "type": "string",
    "pattern": r"^[0-9]{1,20}\Z",
    "description": "must be a card number, digits only",
}
AMOUNT: Schema = {}  # judged by money.minor_units
MOMENT: Schema = {"type": "string", "maxLength": 40}  # judged by moment


def text(longest: int) -> Schema:
    """A text of 1 to `longest` characters, without control characters but line ends and tabs."""
    return {
        "type": "string",
        "pattern": rf"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]{{1,{longest}}}\Z",
        "description": f"must be a text of 1 to {longest} characters",
    }


def checker(required: Schema, optional: Schema | None = None) -> Callable[[Any], dict[str, Any]]:
    """A function that returns the fields of a body that are set; null is as good as absent.

    It raises Unprocessable, naming the field, on a body that does not fit.
    """
    check = schemas.checker(
        {
            "type": "object",
            "additionalProperties": False,
            "required": list(required),
            "properties": {**required, **(optional or {})},
        }
    )

    def checked(body: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in body.items() if value is not None}
        try:
            return check(given)
        except InvalidRequest as error:
            raise Unprocessable(str(error)) from None

    return checked


def moment(name: str, raw: Any) -> datetime:
    """A field's moment, RFC 3339 with an offset. Raises Unprocessable, naming it."""
    try:
        return from_text(raw)
    except (TypeError, ValueError):
        raise Unprocessable(f"{name} must be a moment like 2026-01-31T12:00:00Z") from None


REMARKS: Schema = {"referenceId": text(100), "description": text(500)}
POS_REMARKS: Schema = {
    "posTransactionId": text(100),
    "cashierId": text(50),
    "terminalId": text(50),
    "description": text(500),
}
_REMARK_ATTRIBUTES = {
    "referenceId": "reference_id",
    "description": "description",
    "reason": "description",
    "refundReference": "reference_id",
    "posTransactionId": "pos_transaction_id",
    "cashierId": "cashier_id",
    "terminalId": "terminal_id",
}


def remarks(wanted: dict[str, Any]) -> dict[str, Any]:
    """What a body says of an entry, as the entry's attributes."""
    pairs = _REMARK_ATTRIBUTES.items()
    return {attribute: wanted[name] for name, attribute in pairs if name in wanted}
