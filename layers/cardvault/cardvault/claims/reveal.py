"""The cards behind a claimed link, for the browser that claimed it."""

from dataclasses import dataclass, field

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.claims.claim import ClaimRequest, find_usable, has_session
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import CannotOpen, CardsShredded, LinkUnusable
from cardvault.links import AccessLink, Kind
from cardvault.orders import store
from cardvault.orders.opening import NumberedCards, SealedOrder, read_page
from cardvault.orders.reveal import RevealedPage, record_reveal
from cardvault.sealing.data_keys import Keyring


def claimed_link(claim: ClaimRequest, clock: Clock) -> AccessLink:
    """The link that this browser has claimed. Raises LinkUnusable, when the try is recorded."""
    now = clock()
    link = links.find(Kind.CLAIM, claim.token)
    if link is not None and has_session(link, claim.session, now):
        return link
    if link is not None and links.fault(link, now) is None:
        links.record_refusal(
            link, EventName.CLAIM_REFUSED, "NOT_CLAIMED", claim.origin, clock=clock
        )
        raise LinkUnusable
    find_usable(claim, now, clock)
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
        with self.min_response_time():
            link = claimed_link(claim, self.clock)
            found = read_page(link.order_id, page)
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
