"""Fields of the gift-card API beside those of every API, and what a body says of an entry."""

from typing import Any

from cardvault.http import schemas
from cardvault.http.fields import (
    AMOUNT,
    CALLERS_ID,
    EMAIL,
    ID,
    MOMENT,
    PHONE,
    SIGNED_AMOUNT,
    Schema,
    moment,
    name,
    text,
)
from cardvault.http.schemas import Check

__all__ = ["AMOUNT", "CODE", "EMAIL", "ID", "MOMENT", "NAME_OF_YOURS", "NUMBER", "PHONE"]
__all__ += [
    "POS_REMARKS",
    "REMARKS",
    "SIGNED_AMOUNT",
    "Schema",
    "checker",
    "moment",
    "name",
    "remarks",
    "text",
]

# The published examples name merchants and customers freely: "merchant_123".
NAME_OF_YOURS = CALLERS_ID
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


def checker(required: Schema, optional: Schema | None = None) -> Check:
    """A check of bodies with these fields and no other; null is as good as absent."""
    return schemas.checker(schemas.body(required, optional), null_is_absent=True)


def remarks(wanted: dict[str, Any]) -> dict[str, Any]:
    """What a body says of an entry, as the entry's attributes."""
    pairs = _REMARK_ATTRIBUTES.items()
    return {attribute: wanted[name] for name, attribute in pairs if name in wanted}
