"""Reading what an order has sealed, and opening it: what every way to the cards shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pynamodb.exceptions import DoesNotExist

from cardvault.aws import tables
from cardvault.aws.metrics import count
from cardvault.core.cards import Card
from cardvault.errors import (
    CannotOpen,
    CardsShredded,
    InvalidRequest,
    OrderNotFound,
    OrderNotFulfilled,
)
from cardvault.orders import store
from cardvault.orders.records import ORDER_KEY, OrderRecord
from cardvault.sealing.data_keys import KeyBinding, Keyring
from cardvault.sealing.pages import CARDS_PER_PAGE, Layout
from cardvault.sealing.store import (
    DataKeyRecord,
    SealedPage,
    open_stored_pages,
    page_key,
    read_key,
    read_pages,
)

NumberedCards = Sequence[tuple[int, Card]]


@dataclass(frozen=True, slots=True)
class SealedOrder:
    """An order with the sealed pages asked for, none if one is missing, and their key."""

    order: OrderRecord
    first: int
    pages: Sequence[SealedPage]
    key: DataKeyRecord | None

    @property
    def has_more(self) -> bool:
        """Whether pages follow those read."""
        return self.first + len(self.pages) < layout_of(self.order).pages

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
        layout = layout_of(order)
        if self.first >= layout.pages:
            raise InvalidRequest("cursor is past the last page")
        if self.key is None:
            count("CannotOpen")
            raise CardsShredded
        if not self.pages:
            raise CannotOpen
        access_hash = self.key.access_hash and order.access_hash
        binding = KeyBinding(order.tenant_id, order.order_id, access_hash)
        try:
            return open_stored_pages(
                keyring, self.key, self.pages, binding, layout=layout, first=self.first
            )
        except (TypeError, ValueError, OverflowError):
            raise CannotOpen from None  # what is stored has not even the shape of ours


def layout_of(order: OrderRecord) -> Layout:
    """How the order's cards lie on its pages. Raises CannotOpen when it says what cannot be."""
    count, noted = int(order.fulfilled_quantity or 0), order.cards_per_page
    # Earlier releases put the same number on every page and did not note it.
    return Layout(count, CARDS_PER_PAGE if noted is None else int(noted))


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
    stored = _found(sealed)
    return SealedOrder(found, page, [] if stored is None else [stored], _found(key))


def read_all(order: OrderRecord) -> SealedOrder:
    """Every page of a known order, as much at a time as DynamoDB answers."""
    key, layout = read_key(order.order_id), layout_of(order)
    pages = read_pages(order.order_id, layout)
    if key is None or len(pages) != layout.pages:
        # Shredded since it was read, or damaged: the order as it is now tells which.
        return SealedOrder(store.find(order.order_id), 0, [], key)
    return SealedOrder(order, 0, pages, key)


def _found(wanted: Any) -> Any:
    """What a transaction was asked for, None if it is not there."""
    try:
        return wanted.get()
    except DoesNotExist:
        return None
