"""The cards behind a claimed link, for the browser that claimed it."""

from dataclasses import dataclass, field

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.claims.claim import Visit, find_usable, has_session
from cardvault.claims.min_response_time import Patience
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import CannotOpen, CardsShredded, LinkUnusable
from cardvault.links import AccessLink, Kind
from cardvault.orders import store
from cardvault.orders.opening import NumberedCards, SealedOrder, read_page
from cardvault.orders.reveal import RevealedPage, record_reveal
from cardvault.sealing.data_keys import Keyring


def claimed_link(visit: Visit, clock: Clock) -> AccessLink:
    """The link that this browser has claimed. Raises LinkUnusable, when the try is recorded."""
    now = clock()
    link = links.find(Kind.CLAIM, visit.token)
    if link is not None and has_session(link, visit.session, now):
        return link
    if link is not None and links.fault(link, now) is None:
        links.record_refusal(
            link, EventName.CLAIM_REFUSED, "NOT_CLAIMED", visit.origin, clock=clock
        )
        raise LinkUnusable
    find_usable(visit, now, clock)
    raise LinkUnusable


@dataclass(frozen=True, slots=True)
class RevealClaimed:
    """Opens what was sealed, for the session of a claimed link."""

    keyring: Keyring
    clock: Clock = utc_now
    patience: Patience = field(default_factory=Patience)

    def __call__(self, visit: Visit, page: int) -> RevealedPage:
        """One page, from 0, of the cards, once its audit event is written.

        Raises LinkUnusable, also when the cards were shredded meanwhile; CannotOpen;
        InvalidRequest for a page past the last.
        """
        with self.patience():
            link = claimed_link(visit, self.clock)
            found = read_page(link.order_id, page)
            cards = self._open(found, visit)
            event = Event(
                EventName.CARDS_DELIVERED, method="email", card_count=len(cards), **visit.origin
            )
            try:
                record_reveal(found.order, event, clock=self.clock)
            except CardsShredded:
                raise LinkUnusable from None
        return RevealedPage(link.order_id, cards, page + 1 if found.has_more else None)

    def _open(self, found: SealedOrder, visit: Visit) -> NumberedCards:
        try:
            return found.open(self.keyring)
        except (CannotOpen, CardsShredded) as error:
            event = Event(EventName.REVEAL_REFUSED, reason=error.code, **visit.origin)
            store.record_event(found.order, event, clock=self.clock)
            if isinstance(error, CardsShredded):
                raise LinkUnusable from None
            raise
