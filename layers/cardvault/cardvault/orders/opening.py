"""Reading what an order has sealed, and opening it: what every way to the cards shares."""

from collections.abc import Sequence
from dataclasses import dataclass

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
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.pages import page_count
from cardvault.sealing.store import DataKeyRecord, SealedPage, open_stored_pages, page_key

NumberedCards = Sequence[tuple[int, Card]]


@dataclass(frozen=True, slots=True)
class SealedOrder:
    """An order with the sealed pages asked for and their key; without both if any is missing."""

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

        Raises CardsShredded, OrderNotFulfilled, CannotOpen; InvalidRequest past the last page.
        """
        order = self.order
        if order.shredded_at is not None:
            raise CardsShredded
        if order.stored_at is None:
            raise OrderNotFulfilled
        if self.first >= page_count(self.card_count):
            raise InvalidRequest("cursor is past the last page")
        if self.key is None or self.key.tenant_id != order.tenant_id:
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
    try:
        found = order.get()
    except DoesNotExist:
        raise OrderNotFound from None
    try:
        return SealedOrder(found, page, [sealed.get()], key.get())
    except DoesNotExist:
        return SealedOrder(found, page, [], None)


def read_all(order: OrderRecord) -> SealedOrder:
    """Every page of a known order."""
    wanted = range(page_count(int(order.fulfilled_quantity or 0)))
    sealed, key = tables.fetch(
        lambda transaction: (
            [transaction.get(SealedPage, order.order_id, page_key(number)) for number in wanted],
            transaction.get(DataKeyRecord, order.order_id),
        )
    )
    try:
        return SealedOrder(order, 0, [page.get() for page in sealed], key.get())
    except DoesNotExist:
        return SealedOrder(order, 0, [], None)
