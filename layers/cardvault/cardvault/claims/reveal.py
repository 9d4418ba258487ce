"""The cards behind a claimed link, for the browser that claimed it."""

from dataclasses import dataclass, field

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.claims.claim import ClaimRequest, find_link, find_usable, has_session
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import CannotOpen, CardsShredded, LinkUnusable, OrderNotFound
from cardvault.links import AccessLink
from cardvault.orders import store
from cardvault.orders.opening import NumberedCards, SealedOrder, read_page
from cardvault.orders.records import OrderRecord
from cardvault.orders.reveal import RevealedPage, record_reveal
from cardvault.sealing.data_keys import Keyring


def check_session(claim: ClaimRequest, link: AccessLink, order: OrderRecord, clock: Clock) -> None:
    """That this browser has claimed the link. Raises LinkUnusable, when the try is recorded."""
    now = clock()
    if has_session(link, order, claim.session, now):
        return
    find_usable(claim, order, now, clock)  # says what else is wrong with it
    links.record_refusal(link, EventName.CLAIM_REFUSED, "NOT_CLAIMED", claim.origin, clock=clock)
    raise LinkUnusable


@dataclass(frozen=True, slots=True)
class RevealClaimed:
    """Opens what was sealed, for the session of a claimed link."""

    keyring: Keyring
    clock: Clock = utc_now
    min_response_time: MinResponseTime = field(default_factory=MinResponseTime)

    def __call__(self, claim: ClaimRequest, page: int) -> RevealedPage:
        """One page, from 0, of the cards, once its audit event is written.

        Raises LinkUnusable, also when the cards were shredded meanwhile; CannotOpen;
        InvalidRequest for a page past the last.
        """
        with self.min_response_time(claim.token):
            link = find_link(claim)
            found = _read_page(link, page)
            check_session(claim, link, found.order, self.clock)
            cards = self._open(found, claim)
            event = Event(
                EventName.CARDS_DELIVERED, method="email", card_count=len(cards), **claim.origin
            )
            try:
                record_reveal(found.order, event, clock=self.clock)
            except CardsShredded:
                raise LinkUnusable from None
        return RevealedPage(link.order_id, cards, page + 1 if found.has_more else None)

    def _open(self, found: SealedOrder, claim: ClaimRequest) -> NumberedCards:
        try:
            return found.open(self.keyring)
        except (CannotOpen, CardsShredded) as error:
            event = Event(EventName.REVEAL_REFUSED, reason=error.code, **claim.origin)
            store.record_event(found.order, event, clock=self.clock)
            if isinstance(error, CardsShredded):
                raise LinkUnusable from None
            raise


def _read_page(link: AccessLink, page: int) -> SealedOrder:
    try:
        return read_page(link.order_id, page)
    except OrderNotFound:
        raise LinkUnusable from None
