"""Reading what an order has sealed, and opening it: what every way to the cards shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.exceptions import DoesNotExist

from cardvault.cards import Card
from cardvault.errors import (
    CannotOpen,
    CardsShredded,
    InvalidRequest,
    OrderNotFound,
    OrderNotFulfilled,
)
from cardvault.orders.records import ORDER_KEY, OrderRecord
from cardvault.runtime import tables
from cardvault.runtime.metrics import count
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.pages import page_count
from cardvault.sealing.store import DataKeyRecord, SealedPage, open_stored_pages, page_key

NumberedCards = Sequence[tuple[int, Card]]


@dataclass(frozen=True, slots=True)
class SealedOrder:
    """An order with the sealed pages asked for, none if one is missing, and their key."""

    order: OrderRecord
    first: int
    pages: Sequence[SealedPage]
    key: DataKeyRecord | None

    @property
    def card_count(self) -> int:
        """How many cards the order has."""
        return int(self.order.fulfilled_quantity or 0)

    @property
    def has_more(self) -> bool:
        """Whether pages follow those read."""
        return self.first + len(self.pages) < page_count(self.card_count)

    def open(self, keyring: Keyring) -> NumberedCards:
        """The (number, card) pairs, by one Decrypt.

        Without its wrapped key an order is shredded, whatever a restored table says (I8); the
        alarm rings all the same, for nobody may have meant it. Raises CardsShredded,
        OrderNotFulfilled, CannotOpen; InvalidRequest past the last page.
        """
        order = self.order
        if order.shredded_at is not None:
            raise CardsShredded
        if order.stored_at is None:
            raise OrderNotFulfilled
        if self.first >= page_count(self.card_count):
            raise InvalidRequest("cursor is past the last page")
        if self.key is None:
            count("CannotOpen")
            raise CardsShredded
        if not self.pages or self.key.tenant_id != order.tenant_id:
            raise CannotOpen
        try:
            return open_stored_pages(
                keyring, self.key, self.pages, count=self.card_count, first=self.first
            )
        except (TypeError, ValueError, OverflowError):
            raise CannotOpen from None  # what is stored has not even the shape of ours


def read_page(order_id: str, page: int) -> SealedOrder:
    """One page, from 0, in one round trip. Raises OrderNotFound."""
    order, sealed, key = tables.fetch(
        lambda transaction: (
            transaction.get(OrderRecord, order_id, ORDER_KEY),
            transaction.get(SealedPage, order_id, page_key(page)),
            transaction.get(DataKeyRecord, order_id),
        )
    )
    found = _found(order)
    if found is None:
        raise OrderNotFound
    return SealedOrder(found, page, _all_or_none([sealed]), _found(key))


def read_all(order: OrderRecord) -> SealedOrder:
    """Every page of a known order."""
    wanted = range(page_count(int(order.fulfilled_quantity or 0)))
    sealed, key = tables.fetch(
        lambda transaction: (
            [transaction.get(SealedPage, order.order_id, page_key(number)) for number in wanted],
            transaction.get(DataKeyRecord, order.order_id),
        )
    )
    return SealedOrder(order, 0, _all_or_none(sealed), _found(key))


def _all_or_none(wanted: Sequence[Any]) -> list[SealedPage]:
    pages = [_found(page) for page in wanted]
    return [] if None in pages else pages


def _found(wanted: Any) -> Any:
    """What a transaction was asked for, None if it is not there."""
    try:
        return wanted.get()
    except DoesNotExist:
        return None
