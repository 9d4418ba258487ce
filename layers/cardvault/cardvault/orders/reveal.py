"""Showing an order's codes to its owner: one read, one KMS call, one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from pynamodb.exceptions import DoesNotExist

from cardvault.audit.trail import Event
from cardvault.cards import Card
from cardvault.errors import (
    CannotOpen,
    CardsShredded,
    CardvaultError,
    InvalidRequest,
    OrderNotFound,
    OrderNotFulfilled,
    TooManyWriters,
)
from cardvault.orders import store
from cardvault.orders.records import ORDER_KEY, OrderRecord
from cardvault.orders.refusals import record_refusal
from cardvault.orders.store import Change
from cardvault.runtime import tables
from cardvault.runtime.caller import Caller
from cardvault.runtime.clock import Clock, to_text, utc_now
from cardvault.runtime.metrics import count as count_metric
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.pages import page_count
from cardvault.sealing.store import DataKeyRecord, SealedPage, open_stored_page, page_key


@dataclass(frozen=True, slots=True)
class RevealedPage:
    """Some of an order's cards by number, and the next page's index if there is one."""

    order_id: str
    cards: Sequence[tuple[int, Card]]
    next_page: int | None


@dataclass(frozen=True, slots=True)
class _Found:
    order: OrderRecord
    page: SealedPage | None
    key: DataKeyRecord | None


@dataclass(frozen=True, slots=True)
class RevealCards:
    """Opens what was sealed, for the order's owner alone."""

    keyring: Keyring
    clock: Clock = utc_now

    def __call__(self, order_id: str, page: int, caller: Caller) -> RevealedPage:
        """One page, from 0, of the order's cards, once its audit event is written.

        Raises OrderNotFound (unknown or not the caller's), OrderNotFulfilled, CardsShredded,
        CannotOpen; InvalidRequest for a page past the last. Each refusal is audited (I7).
        """
        found = _read(order_id, page)
        try:
            cards = self._open(found, page, caller)
            self._audit_reveal(found.order, len(cards), caller)
        except TooManyWriters:
            raise
        except CardvaultError as error:
            if isinstance(error, CannotOpen):
                count_metric("CannotOpen")
            record_refusal(found.order, "REVEAL_REFUSED", error, caller, clock=self.clock)
            raise
        more = page + 1 < page_count(int(found.order.fulfilled_quantity or 0))
        return RevealedPage(order_id, cards, page + 1 if more else None)

    def _open(self, found: _Found, page: int, caller: Caller) -> Sequence[tuple[int, Card]]:
        order = found.order
        if not caller.owns(order.tenant_id, order.user_id):
            raise OrderNotFound
        if order.shredded_at is not None:
            raise CardsShredded
        if order.stored_at is None:
            raise OrderNotFulfilled
        count = int(order.fulfilled_quantity or 0)
        if page >= page_count(count):
            raise InvalidRequest("cursor is past the last page")
        if found.page is None or found.key is None or found.key.tenant_id != order.tenant_id:
            raise CannotOpen
        return open_stored_page(self.keyring, found.key, found.page, count=count, page=page)

    def _audit_reveal(self, order: OrderRecord, cards: int, caller: Caller) -> None:
        event = Event(
            "CARDS_DELIVERED",
            method="in-app",
            card_count=cards,
            **caller.traces(order.tenant_id),
        )

        def decide(fresh: OrderRecord) -> Change:
            if fresh.shredded_at is not None:
                raise CardsShredded
            first = fresh.first_revealed_at or to_text(self.clock())
            return Change(event, {"first_revealed_at": first})

        store.change(order.order_id, decide, clock=self.clock, known=order)


def _read(order_id: str, page: int) -> _Found:
    transaction = tables.reading()
    with transaction:
        order = transaction.get(OrderRecord, order_id, ORDER_KEY)
        sealed = transaction.get(SealedPage, order_id, page_key(page))
        key = transaction.get(DataKeyRecord, order_id)
    try:
        found = order.get()
    except DoesNotExist:
        raise OrderNotFound from None
    try:
        return _Found(found, sealed.get(), key.get())
    except DoesNotExist:
        return _Found(found, None, None)
