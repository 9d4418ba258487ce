"""Showing an order's codes to its owner: one read, one KMS call, one transaction."""

from dataclasses import dataclass

from cardvault.audit.trail import Event
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import CardsShredded, CardvaultError, OrderNotFound, TooManyWriters
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.opening import NumberedCards, SealedOrder, read_page
from cardvault.orders.records import OrderRecord
from cardvault.orders.refusals import record_refusal
from cardvault.orders.store import Change
from cardvault.sealing.data_keys import Keyring


@dataclass(frozen=True, slots=True)
class RevealedPage:
    """Some of an order's cards by number, and the next page's index if there is one."""

    order_id: str
    cards: NumberedCards
    next_page: int | None


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
        found = read_page(order_id, page)
        try:
            cards = self._open(found, caller)
            self._audit_reveal(found.order, len(cards), caller)
        except TooManyWriters:
            raise
        except CardvaultError as error:
            record_refusal(found.order, "REVEAL_REFUSED", error, caller, clock=self.clock)
            raise
        return RevealedPage(order_id, cards, page + 1 if found.has_more else None)

    def _open(self, found: SealedOrder, caller: Caller) -> NumberedCards:
        if not caller.owns(found.order.tenant_id, found.order.user_id):
            raise OrderNotFound
        return found.open(self.keyring)

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
