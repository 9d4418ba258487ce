"""Claiming: from the link in the mail to a browser that may see the cards for ten minutes.

Nothing but the right code consumes a link, and nothing at all by GET. Of any number of racers one
wins: link, order and audit event change in one transaction (I5). Unknown, used, expired, locked
and replaced links get the same answer, equally late.
"""

import hashlib
import hmac
import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.metrics import count
from cardvault.aws.retries import retry_lost_races
from cardvault.claims import proof
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.core.clock import Clock, from_text, utc_now
from cardvault.errors import CodeTooOld, LinkUnusable, OrderNotFound, WrongCode
from cardvault.http.idempotency import bind_to_token
from cardvault.links import MOST_WRONG_TRIES, AccessLink, Kind, State
from cardvault.orders import store
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Edit

SESSION_LIFETIME = timedelta(minutes=10)
REPEAT_WITHIN = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """A request of the claim page: the link's token, the session if it has one, its origin."""

    token: str = field(repr=False)
    session: str | None = field(default=None, repr=False)
    origin: dict[str, Any] = field(default_factory=dict)


def session_for(token: str, idempotency_key: str | None) -> str:
    """A session's secret: from token and key, so that a repeat of the request has the same one."""
    if idempotency_key is None:
        return secrets.token_hex(32)
    return bind_to_token(token, f"session {idempotency_key}")


def find_link(claim: ClaimRequest) -> AccessLink:
    """The link of a claim request, whatever its state. Raises LinkUnusable if there is none."""
    link = links.find(Kind.CLAIM, claim.token)
    if link is None:
        raise LinkUnusable
    return link


def order_of(link: AccessLink) -> OrderRecord:
    """The link's order. Raises LinkUnusable if there is none."""
    try:
        return store.find(link.order_id)
    except OrderNotFound:
        raise LinkUnusable from None


def has_session(link: AccessLink, order: OrderRecord, session: str | None, now: datetime) -> bool:
    """Whether it is the session that this link opened, at most SESSION_LIFETIME ago."""
    if not session or link.session_hash is None or link.used_at is None:
        return False
    if not links.is_known(link, order):
        return False
    same = hmac.compare_digest(hashlib.sha256(session.encode()).hexdigest(), link.session_hash)
    return same and now < from_text(link.used_at) + SESSION_LIFETIME


def _seconds_left(link: AccessLink, now: datetime) -> int:
    end = from_text(str(link.used_at)) + SESSION_LIFETIME
    return math.ceil((end - now).total_seconds())


def find_usable(claim: ClaimRequest, order: OrderRecord, now: datetime, clock: Clock) -> AccessLink:
    """The live link of a claim request. Raises LinkUnusable, when the refusal is recorded."""
    link = find_link(claim)
    if reason := links.fault(link, order, now):
        links.record_refusal(link, EventName.CLAIM_REFUSED, reason, claim.origin, clock=clock)
        raise LinkUnusable
    return link


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """What the page shows before it asks for a code. Consumes nothing."""

    clock: Clock = utc_now
    min_response_time: MinResponseTime = field(default_factory=MinResponseTime)

    def __call__(self, claim: ClaimRequest) -> tuple[AccessLink, OrderRecord, int]:
        """The link, its order, and for how many seconds this browser may see the cards still.

        The first opening is an audit event of its own. Raises LinkUnusable.
        """
        with self.min_response_time(claim.token):
            now = self.clock()
            known = find_link(claim)
            order = order_of(known)
            if has_session(known, order, claim.session, now):
                return known, order, _seconds_left(known, now)
            link = find_usable(claim, order, now, self.clock)
            if order.stored_at is None or order.shredded_at is not None:
                raise LinkUnusable
            if link.opened_at is None:
                order = self._record_opening(link.order_id, claim)
            return link, order, 0

    @retry_lost_races
    def _record_opening(self, order_id: str, claim: ClaimRequest) -> OrderRecord:
        edit = Edit(store.find(order_id), self.clock())
        link = find_link(claim)
        if links.fault(link, edit.order, edit.now):
            raise LinkUnusable
        if link.opened_at is None:
            links.use(edit.work, link, edit.now, opened_at=edit.timestamp)
            edit.commit(Event(EventName.LINK_OPENED, **claim.origin))
        return edit.order


@dataclass(frozen=True, slots=True)
class RedeemClaim:
    """Consumes a link for who knows its code."""

    clock: Clock = utc_now
    min_response_time: MinResponseTime = field(default_factory=MinResponseTime)

    def __call__(self, claim: ClaimRequest, code: str | None, idempotency_key: str | None) -> str:
        """The secret of the winner's session.

        The same Idempotency-Key gets the same session again for REPEAT_WITHIN, so that a lost
        answer does not cost the customer the link. Raises WrongCode while tries are left and
        LinkUnusable; and, without counting a try, CodeTooOld, and InvalidRequest for what can be
        no code.
        """
        session = session_for(claim.token, idempotency_key)
        with self.min_response_time(claim.token):
            link = self._try_code(find_link(claim), claim, code, session)
            if link.state == State.LOCKED:
                count("ClaimLocked")
                raise LinkUnusable
        if link.state == State.LIVE:
            raise WrongCode(triesLeft=MOST_WRONG_TRIES - int(link.wrong_tries))
        return session

    @retry_lost_races
    def _try_code(
        self, known: AccessLink, claim: ClaimRequest, code: str | None, session: str
    ) -> AccessLink:
        """The link after the try: USED when the code was right."""
        edit = Edit(order_of(known), self.clock())
        link = find_link(claim)
        if _is_repeat(link, edit.order, session, edit.now):
            return link
        link = find_usable(claim, edit.order, edit.now, self.clock)
        if edit.order.stored_at is None or edit.order.shredded_at is not None:
            raise LinkUnusable
        given = proof.read(edit.order.guarded_by, code or "")
        if proof.fits(edit.order, link, claim.token, given, edit.now):
            return _consume(edit, link, claim, session)
        if proof.is_too_old(link, claim.token, given):
            raise CodeTooOld
        return _count_wrong_try(edit, link, claim)


def _is_repeat(link: AccessLink, order: OrderRecord, session: str, now: datetime) -> bool:
    recent = link.used_at is not None and now < from_text(link.used_at) + REPEAT_WITHIN
    return recent and has_session(link, order, session, now)


def _consume(edit: Edit, link: AccessLink, claim: ClaimRequest, session: str) -> AccessLink:
    links.use(
        edit.work,
        link,
        edit.now,
        state=State.USED,
        used_at=edit.timestamp,
        session_hash=hashlib.sha256(session.encode()).hexdigest(),
        code_hash=None,
    )
    first = edit.order.claimed_at or edit.timestamp
    event = Event(EventName.LINK_CLAIMED, **claim.origin)
    edit.commit(event, claimed_at=first, wrong_tries=None)
    return link


def _count_wrong_try(edit: Edit, link: AccessLink, claim: ClaimRequest) -> AccessLink:
    tries = max(int(edit.order.wrong_tries or 0), int(link.wrong_tries)) + 1
    state = State.LIVE if tries < MOST_WRONG_TRIES else State.LOCKED
    links.use(edit.work, link, edit.now, wrong_tries=tries, state=state)
    reason = "WRONG_CODE" if state == State.LIVE else "WRONG_CODE_LOCKED"
    edit.commit(Event(EventName.CLAIM_REFUSED, reason=reason, **claim.origin), wrong_tries=tries)
    return link
