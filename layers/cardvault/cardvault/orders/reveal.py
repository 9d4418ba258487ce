"""Showing an order's codes to its owner: one read, one KMS call, one write."""

from dataclasses import dataclass

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import LostRace, retry_lost_races
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import CardsShredded, CardvaultError, TooManyWriters
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.access import check_owner
from cardvault.orders.opening import NumberedCards, read_page
from cardvault.orders.records import OrderRecord
from cardvault.orders.refusals import record_refusal
from cardvault.orders.store import Edit
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
            check_owner(found.order, caller)
            cards = found.open(self.keyring)
            event = Event(
                EventName.CARDS_DELIVERED,
                method="in-app",
                card_count=len(cards),
                **caller.audit_actor(found.order.tenant_id),
            )
            record_reveal(found.order, event, clock=self.clock)
        except TooManyWriters:
            raise
        except CardvaultError as error:
            record_refusal(found.order, EventName.REVEAL_REFUSED, error, caller, clock=self.clock)
            raise
        return RevealedPage(order_id, cards, page + 1 if found.has_more else None)


def record_reveal(order: OrderRecord, event: Event, *, clock: Clock) -> None:
    """Write the event of cards that are about to be shown, which the order was read with.

    The first time is noted on the order; from then on the event is put alone, so that readers of
    one order do not wait for each other. Raises CardsShredded, TooManyWriters.
    """
    try:
        _record(order, event, clock)
    except LostRace:
        _record_afresh(order.order_id, event, clock)


@retry_lost_races
def _record_afresh(order_id: str, event: Event, clock: Clock) -> None:
    order = store.find(order_id)
    if order.shredded_at is not None:
        raise CardsShredded
    _record(order, event, clock)


def _record(order: OrderRecord, event: Event, clock: Clock) -> None:
    if order.first_revealed_at is not None:
        store.record_event(order, event, clock=clock)
        return
    edit = Edit(order, clock())
    edit.commit(event, first_revealed_at=edit.timestamp)
