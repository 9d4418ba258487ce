"""Fields of the gift-card API beside those of every API, and the metadata of an entry."""

from collections.abc import Mapping
from datetime import datetime
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
__all__ += ["METADATA", "POS_METADATA", "SIGNED_AMOUNT", "Metadata", "Schema", "checker"]
__all__ += ["metadata", "name", "optional_moment", "text"]

# What a body says of an entry, as attributes of the entry.
Metadata = Mapping[str, Any]

# The published examples name merchants and customers freely: "merchant_123".
NAME_OF_YOURS = CALLERS_ID
CODE: Schema = {
    "type": "string",
    "pattern": r"^[0-9]{6}\Z",
    "description": "must be 6 digits",
    "typed": "digits",
}
NUMBER: Schema = {
    "type": "string",
    "pattern": r"^[0-9]{1,20}\Z",
    "description": "must be a card number, digits only",
    "typed": "digits",
}
METADATA: Schema = {"referenceId": text(100), "description": text(500)}
POS_METADATA: Schema = {
    "posTransactionId": text(100),
    "cashierId": text(50),
    "terminalId": text(50),
    "description": text(500),
}
_METADATA_ATTRIBUTES = {
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


def metadata(given: Mapping[str, Any]) -> Metadata:
    """The metadata of the entry, from a checked body."""
    pairs = _METADATA_ATTRIBUTES.items()
    return {attribute: given[name] for name, attribute in pairs if name in given}


def optional_moment(name: str, given: Mapping[str, Any]) -> datetime | None:
    """The moment of a field, from a checked body, if it has one. Raises InvalidRequest."""
    return moment(name, given[name]) if name in given else None
