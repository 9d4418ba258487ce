"""What the supplier answers, read leniently: absent, null and unknown fields are all met there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardvault.cards import Card
from cardvault.errors import CardCountMismatch, SupplierUnavailable
from cardvault.runtime.clock import from_text


class SupplierStatus(StrEnum):
    """Where a supplier order stands. Whatever is not final is HANDLING to us."""

    HANDLING = "HANDLING"
    FULFILLED = "FULFILLED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    REFUNDED = "REFUNDED"

    @classmethod
    def of(cls, text: object) -> "SupplierStatus":
        """The status of that name; a name we do not know is not final."""
        return cls(str(text)) if text in set(cls) else cls.HANDLING

    @property
    def final(self) -> bool:
        """Whether the supplier will not change it any more."""
        return self is not SupplierStatus.HANDLING


@dataclass(frozen=True, slots=True)
class SupplierOrder:
    """One order as the supplier tells it. `quantity` counts cards, `created_at` is UTC."""

    order_id: str
    status: SupplierStatus
    product_id: str | None
    type_id: str | None
    quantity: int | None
    fulfilled_quantity: int | None
    created_at: datetime | None
    cards: tuple[Card, ...]


def read_order(data: Mapping[str, Any]) -> SupplierOrder:
    """An order from checkOrder or list.

    Raises SupplierUnavailable when it has no id, CardCountMismatch when a card has no value.
    """
    order_id = data.get("_id") or data.get("orderId")
    if not isinstance(order_id, str):
        raise SupplierUnavailable("the supplier's answer has no order id")
    return SupplierOrder(
        order_id=order_id,
        status=SupplierStatus.of(data.get("status")),
        product_id=_text(data.get("product") or data.get("productId")),
        type_id=_text(data.get("type") or data.get("typeId")),
        quantity=_count(data.get("quantity")),
        fulfilled_quantity=_count(data.get("fulfilled_quantity")),
        created_at=_moment(data.get("time")),
        cards=tuple(_card(card) for card in data.get("cards") or ()),
    )


def _card(data: Mapping[str, Any]) -> Card:
    value, serial = _text(data.get("value")), _text(data.get("serial"))
    if not value:
        raise CardCountMismatch("the supplier sent a card without a value")
    return Card(value, serial)


def _text(value: object) -> str | None:
    # A code of digits alone may come as a JSON number; its text is what the customer types.
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _moment(value: object) -> datetime | None:
    try:
        return from_text(str(value))
    except ValueError:
        return None
