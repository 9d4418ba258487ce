"""Downloads: a file for minutes, a token for one exchange, a signed address for a minute."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.claims.claim import ClaimRequest, find_link, order_of
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.claims.reveal import check_session
from cardvault.core.clock import Clock, from_text, utc_now
from cardvault.downloads.bucket import TOKEN_LIFETIME, DownloadsBucket
from cardvault.downloads.formats import FORMATS
from cardvault.downloads.words import disposition
from cardvault.errors import (
    CardsShredded,
    CardvaultError,
    DownloadExpired,
    LinkUnusable,
)
from cardvault.http.caller import Caller
from cardvault.http.fields import Schema
from cardvault.http.idempotency import bind_to_token
from cardvault.http.schemas import body, checker
from cardvault.links import AccessLink, Kind, State
from cardvault.orders import store
from cardvault.orders.access import check_owner
from cardvault.orders.opening import read_all
from cardvault.orders.records import OrderRecord
from cardvault.orders.refusals import audited_reason, record_refusal
from cardvault.orders.store import Edit
from cardvault.sealing.data_keys import Keyring

REPEAT_WITHIN = timedelta(seconds=10)
MOST_FILES_OF_A_CLAIM = 20

FILE_FORMAT: Schema = {"type": "string", "enum": list(FORMATS), "default": "txt"}
check_request = checker(body({}, {"format": FILE_FORMAT}))


@dataclass(frozen=True, slots=True)
class NewDownload:
    """A token to be exchanged once, at the latest then."""

    token: str = field(repr=False)
    expires_at: str


@dataclass(frozen=True, slots=True)
class CreateDownload:
    """Writes the file and makes the token for it."""

    keyring: Keyring
    bucket: DownloadsBucket
    key_arn: str
    clock: Clock = utc_now
    min_response_time: MinResponseTime = field(default_factory=MinResponseTime)

    def for_owner(self, order_id: str, file_format: str, caller: Caller) -> NewDownload:
        """For the order's owner. Raises OrderNotFound, OrderNotFulfilled, CardsShredded.

        A refusal is audited (I7).
        """
        order = store.find(order_id)
        actor = caller.audit_actor(order.tenant_id)
        try:
            check_owner(order, caller)
            return self._create(order, file_format, actor)
        except CardvaultError as error:
            record_refusal(order, EventName.DOWNLOAD_REFUSED, error, caller, clock=self.clock)
            raise

    def for_claimant(self, claim: ClaimRequest, file_format: str) -> NewDownload:
        """For the browser that claimed the link, MOST_FILES_OF_A_CLAIM times.

        Raises LinkUnusable, when the try is audited.
        """
        with self.min_response_time(claim.token):
            link = find_link(claim)
            order = order_of(link)
            check_session(claim, link, order, self.clock)
            if links.count_up(link, "files") > MOST_FILES_OF_A_CLAIM:
                self._refuse(link, "NO_FILES_LEFT", claim)
            try:
                return self._create(order, file_format, claim.origin)
            except CardsShredded as error:
                self._refuse(link, error.code, claim)

    def _refuse(self, link: AccessLink, reason: str, claim: ClaimRequest) -> NoReturn:
        event = EventName.DOWNLOAD_REFUSED
        links.record_refusal(link, event, reason, claim.origin, clock=self.clock)
        raise LinkUnusable

    def _create(self, order: OrderRecord, file_format: str, actor: dict[str, Any]) -> NewDownload:
        cards = read_all(order).open(self.keyring)
        kind = FORMATS[file_format]
        key = self.bucket.put(
            kind.write(order, cards),
            extension=file_format,
            content_type=kind.content_type,
            disposition=disposition(order, file_format),
            key_arn=self.key_arn,
        )
        token, link = links.make(
            Kind.DOWNLOAD,
            order.order_id,
            now=self.clock(),
            lifetime=TOKEN_LIFETIME,
            object_key=key,
            card_count=len(cards),
        )

        event = Event(EventName.DOWNLOAD_CREATED, method="download", card_count=len(cards), **actor)
        self._save(link, event)
        return NewDownload(token, link.expires_at)

    @retry_lost_races
    def _save(self, link: AccessLink, event: Event) -> None:
        edit = Edit(store.find(link.order_id), self.clock())
        if edit.order.shredded_at is not None:
            raise CardsShredded
        edit.work.save(link, AccessLink.token_hash.does_not_exist())
        edit.commit(event)


@dataclass(frozen=True, slots=True)
class RedeemDownload:
    """Exchanges a token, once, for a signed address."""

    bucket: DownloadsBucket
    clock: Clock = utc_now
    min_response_time: MinResponseTime = field(default_factory=MinResponseTime)

    def __call__(self, token: str, repeat_key: str | None, origin: dict[str, Any]) -> str:
        """The address. Exactly one of any number of racers gets it (I5).

        `repeat_key` is a secret of the caller's. A request with the same one within REPEAT_WITHIN
        is a repeat by the same caller, whose answer may have been lost, and is answered again.
        Without one a token works once. Raises DownloadExpired for unknown, used and expired alike,
        and equally late.
        """
        with self.min_response_time(token):
            return self._redeem(token, repeat_key, origin)

    def _redeem(self, token: str, repeat_key: str | None, origin: dict[str, Any]) -> str:
        known = links.find(Kind.DOWNLOAD, token)
        if known is None or known.object_key is None:
            raise DownloadExpired
        # Signed before the token is spent, so that little can go wrong after.
        address = self.bucket.sign(known.object_key)
        session = _session_hash(token, repeat_key)
        self._spend(known.order_id, token, session, origin)
        return address

    @retry_lost_races
    def _spend(
        self, order_id: str, token: str, session: str | None, origin: dict[str, Any]
    ) -> None:
        edit = Edit(store.find(order_id), self.clock())
        link = links.find(Kind.DOWNLOAD, token)
        if link is None or edit.order.shredded_at is not None:
            raise DownloadExpired
        if _is_repeat(link, session, edit.now):
            self._record_repeat(edit.order, link, origin)
            return
        if reason := links.fault(link, edit.order, edit.now):
            links.record_refusal(link, EventName.DOWNLOAD_REFUSED, reason, origin, clock=self.clock)
            raise DownloadExpired
        bound_to = {"session_hash": session} if session else {}
        links.use(edit.work, link, edit.now, state=State.USED, used_at=edit.timestamp, **bound_to)
        event = Event(
            EventName.CARDS_DELIVERED, method="download", card_count=link.card_count, **origin
        )
        edit.commit(event, downloaded_at=edit.order.downloaded_at or edit.timestamp)

    def _record_repeat(self, order: OrderRecord, link: AccessLink, origin: dict[str, Any]) -> None:
        reason = audited_reason("REPEATED", links.count_up(link, "shown"))
        if reason is None:
            return
        event = Event(EventName.DOWNLOAD_REPEATED, method="download", reason=reason, **origin)
        store.record_event(order, event, clock=self.clock)


def _session_hash(token: str, repeat_key: str | None) -> str | None:
    return repeat_key and bind_to_token(token, repeat_key)


def _is_repeat(link: AccessLink, session: str | None, now: datetime) -> bool:
    if not (session and link.session_hash and link.used_at):
        return False
    same = hmac.compare_digest(session, link.session_hash)
    return same and now < from_text(link.used_at) + REPEAT_WITHIN
