"""A card's transactions as CSV (RFC 4180), for spreadsheets."""

from typing import Any

from cardvault.http import csv

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


def as_csv(shown: dict[str, Any]) -> str:
    """The transactions of `ShowCard.details`, in its order."""
    entries = ({"currency": shown["currency"], **entry} for entry in shown["transactions"])
    return csv.write(COLUMNS, ([entry.get(column) for column in COLUMNS] for entry in entries))
