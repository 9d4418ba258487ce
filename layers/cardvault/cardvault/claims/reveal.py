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
from cardvault.orders.opening import NumberedCards, SealedOrder, layout_of, read_page
from cardvault.orders.records import OrderRecord
from cardvault.orders.refusals import audited_reason
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
            cards = self._open(found, link, claim)
            self._record(found.order, link, claim, len(cards))
        return RevealedPage(link.order_id, cards, page + 1 if found.has_more else None)

    def _record(
        self, order: OrderRecord, link: AccessLink, claim: ClaimRequest, card_count: int
    ) -> None:
        """Audit that cards are about to be shown.

        Each page may be shown once; what comes after are repeats by the same browser, which are
        audited as refusals are, so that they cannot flood the trail.
        """
        repeats = links.count_up(link, "shown") - layout_of(order).pages
        reason = audited_reason("REPEATED", repeats) if repeats > 0 else None
        if repeats > 0 and reason is None:
            return
        event = Event(
            EventName.CARDS_DELIVERED,
            method="email",
            card_count=card_count,
            reason=reason,
            **claim.origin,
        )
        try:
            record_reveal(order, event, clock=self.clock)
        except CardsShredded:
            raise LinkUnusable from None

    def _open(self, found: SealedOrder, link: AccessLink, claim: ClaimRequest) -> NumberedCards:
        try:
            return found.open(self.keyring)
        except (CannotOpen, CardsShredded) as error:
            links.record_refusal(
                link, EventName.REVEAL_REFUSED, error.code, claim.origin, clock=self.clock
            )
            if isinstance(error, CardsShredded):
                raise LinkUnusable from None
            raise


def _read_page(link: AccessLink, page: int) -> SealedOrder:
    try:
        return read_page(link.order_id, page)
    except OrderNotFound:
        raise LinkUnusable from None
