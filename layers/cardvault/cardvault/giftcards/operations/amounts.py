"""Bodies of an amount to move."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cardvault.giftcards.fields import Metadata, metadata
from cardvault.giftcards.ledger import money


@dataclass(frozen=True, slots=True)
class AmountToMove:
    """An amount in minor units, and the metadata of its entry."""

    amount: int
    metadata: Metadata

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "AmountToMove":
        """From a checked body. Raises InvalidRequest."""
        return cls(money.minor_units("amount", given["amount"]), metadata(given))


@dataclass(frozen=True, slots=True)
class PartToMove:
    """As `AmountToMove`, of what is there; without an amount, all of that."""

    amount: int | None
    metadata: Metadata

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "PartToMove":
        """From a checked body. Raises InvalidRequest."""
        part = money.minor_units("amount", given["amount"]) if "amount" in given else None
        return cls(part, metadata(given))
