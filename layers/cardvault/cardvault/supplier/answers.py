"""What the supplier answers, read leniently: docs/supplier-contract.md, "Reading an order"."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardvault.core import typed
from cardvault.core.cards import Card
from cardvault.core.clock import from_text
from cardvault.errors import CardUnreadable, SupplierUnavailable
from cardvault.http import unknown_names
from cardvault.http.fields import fits, name

LONGEST_NAME = 128
MOST_CARDS = 10**6
_LINE = name(LONGEST_NAME)
_LONGEST_REASON = 200
_FIELDS_OF_A_CARD = {"_id", "value", "serial"}
_LIKE_A_STATUS = re.compile("[A-Z][A-Z_]{1,39}")
_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class SupplierStatus(StrEnum):
    """Where a supplier order stands. Whatever is not final is HANDLING to us."""

    HANDLING = "HANDLING"
    FULFILLED = "FULFILLED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    REFUNDED = "REFUNDED"

    @classmethod
    def of(cls, text: object) -> "SupplierStatus":
        """The status of that name; a name we do not know is not final."""
        return next((status for status in cls if status == text), cls.HANDLING)

    @property
    def final(self) -> bool:
        """Whether the supplier will not change it any more."""
        return self is not SupplierStatus.HANDLING


@dataclass(frozen=True, slots=True)
class SupplierOrder:
    """One order as the supplier reports it. `quantity` counts cards, `created_at` is UTC.

    `cards` is there only for who asked for it. `unknown` names what the answer has and we do not
    know: a status, fields of its cards. What they held is not kept.
    """

    order_id: str
    status: SupplierStatus
    product_id: str | None
    type_id: str | None
    quantity: int | None
    fulfilled_quantity: int | None
    created_at: datetime | None
    cards: tuple[Card, ...] = field(default=(), repr=False)
    unknown: tuple[str, ...] = ()

    @property
    def told_unknown(self) -> str | None:
        """The unknown names as the reason of an audit event: `UNKNOWN cards.pin cards.url`."""
        return f"UNKNOWN {' '.join(self.unknown)}"[:_LONGEST_REASON] if self.unknown else None


def is_order_id(value: object) -> bool:
    """Whether it can be a supplier's order id, and go into an address as it is."""
    return isinstance(value, str) and _ORDER_ID.fullmatch(value) is not None


def read_order(data: Mapping[str, Any], *, cards: bool = False) -> SupplierOrder:
    """An order from checkOrder or list, with its cards if they are wanted.

    Raises SupplierUnavailable when it has no id or no list of cards, CardUnreadable when a card has
    no value, or one that is not text.
    """
    order_id = data.get("_id") or data.get("orderId")
    if not isinstance(order_id, str) or not is_order_id(order_id):
        raise SupplierUnavailable("the supplier's answer has no order id")
    return SupplierOrder(
        order_id=order_id,
        status=SupplierStatus.of(data.get("status")),
        product_id=_name(data.get("product") or data.get("productId")),
        type_id=_name(data.get("type") or data.get("typeId")),
        quantity=_count(data.get("quantity")),
        fulfilled_quantity=_count(data.get("fulfilled_quantity")),
        created_at=_moment(data.get("time")),
        cards=tuple(map(_card, list_of(data.get("cards")))) if cards else (),
        unknown=tuple(sorted({*_unknown_status(data), *(_unknown_fields(data) if cards else ())})),
    )


def list_of(value: object) -> list[Any]:
    """The list, empty if it is absent. Raises SupplierUnavailable on anything else."""
    if value is not None and not isinstance(value, list):
        raise SupplierUnavailable("the supplier's answer has no list where one belongs")
    return value or []


def pages_of(pagination: object) -> int:
    """How many pages a list has, one if it does not say so.

    Raises SupplierUnavailable on what is no number: half a list would read as orders not placed.
    """
    told = pagination.get("totalPages") if isinstance(pagination, dict) else pagination
    pages = 1 if told is None else _count(told)
    if pages is None:
        raise SupplierUnavailable("the supplier's list does not say how long it is")
    return max(1, pages)


def _unknown_status(data: Mapping[str, Any]) -> Iterator[str]:
    status = data.get("status")
    if isinstance(status, str) and status not in set(SupplierStatus):
        yield status if _LIKE_A_STATUS.fullmatch(status) else "status"


def _unknown_fields(data: Mapping[str, Any]) -> Iterator[str]:
    """A PIN, say, or an expiry, which the contract does not have: somebody must hear of it."""
    for card in list_of(data.get("cards")):
        names = card.keys() - _FIELDS_OF_A_CARD if isinstance(card, dict) else set()
        yield from (f"cards.{name}" for name in names if unknown_names.may_be_told(name))


def _card(data: object) -> Card:
    if not isinstance(data, dict):
        raise CardUnreadable("the supplier sent a card that is none")
    value, serial = _lines(data.get("value")), _lines(data.get("serial"))
    if not value:
        raise CardUnreadable("the supplier sent a card without a value")
    # Half a character could be stored and never shown.
    if not all(map(_is_line, (*value, *serial))):
        raise CardUnreadable("the supplier sent a card that is not text")
    return Card("\n".join(value), "\n".join(serial) or None)


def _lines(value: object) -> list[str]:
    """The lines of a code, without the white space around each: nobody sees it, and tills do."""
    lines = map(typed.line, (_text(value) or "").splitlines())
    return [line for line in lines if line]


def _is_line(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return fits(text, _LINE)


def _name(value: object) -> str | None:
    """What the supplier calls a product or a type; anything else is as good as absent."""
    text = _text(value)
    return text if text and len(text) <= LONGEST_NAME and _is_line(text) else None


def _text(value: object) -> str | None:
    # A code of digits alone may come as a JSON number; its text is what the customer types.
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MOST_CARDS and value == int(value) else None


def _moment(value: object) -> datetime | None:
    try:
        return from_text(str(value))
    except ValueError:
        return None
