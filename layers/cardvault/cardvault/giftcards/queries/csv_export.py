"""A card's transactions as CSV (RFC 4180), for spreadsheets."""

import csv
import io
from typing import Any

COLUMNS = (
    "createdAt",
    "id",
    "transactionType",
    "amount",
    "balanceBefore",
    "balanceAfter",
    "currency",
    "referenceId",
    "description",
    "merchantId",
    "posTransactionId",
    "cashierId",
    "terminalId",
    "relatedTransactionId",
    "transferId",
    "holdId",
    "heldAmount",
    "until",
)
# A spreadsheet runs a text that begins with one of these as a formula.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(shown: dict[str, Any]) -> str:
    """The transactions of `ShowCard.details`, in its order."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for entry in shown["transactions"]:
        row = {"currency": shown["currency"], **entry}
        writer.writerow([_cell(row.get(column)) for column in COLUMNS])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return str(value)
