"""The six digits that prove someone reads the mailbox the link was sent to."""

import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.claims.claim import ClaimRequest, find_link, find_usable, order_of
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.claims.proof import CODE_LIFETIME, hash_code, known_codes
from cardvault.core import typed
from cardvault.core.clock import Clock, from_text, utc_now
from cardvault.errors import (
    CardvaultError,
    InvalidRequest,
    LinkUnusable,
    MailOutcomeUnknown,
    TooManyCodes,
    TooSoon,
    WrongAddress,
)
from cardvault.links import AccessLink, Kind
from cardvault.mail import daily_totals, message
from cardvault.mail.ses import NOT_SENT, Mailer
from cardvault.mail.suppression import is_suppressed
from cardvault.orders import store
from cardvault.orders.recipient import Protection
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Edit

DIGITS = 6
CODE_SPACING = timedelta(seconds=30)
MOST_CODES = 5
CODES_WITHIN = timedelta(hours=1)
_FORMER_CODES = 4


@dataclass(frozen=True, slots=True)
class SendCode:
    """Mails a code to the address on file; the code before it is void.

    Who asks types that address: a mail scanner that presses every button cannot, so it uses up no
    code. It proves nothing more, since the message itself names it.
    """

    mailer: Mailer
    shop_name: str
    clock: Clock = utc_now
    min_response_time: MinResponseTime = field(default_factory=MinResponseTime)

    def __call__(self, claim: ClaimRequest, address: str | None) -> None:
        """Send it: CODE_SPACING apart, and at most MOST_CODES before a pause of CODES_WITHIN.

        The code is noted before it is sent, and does not count if it certainly was not. Should the
        mail be lost the customer asks again.
        Raises MailNotSetUp, LinkUnusable, WrongAddress, TooSoon, TooManyCodes, TooManyMails,
        InvalidRequest without an address or when the link wants no e-mailed code, and what
        Mailer.send raises.
        """
        self.mailer.expect_set_up()  # before the link is looked at, so it tells nothing of it
        code = "".join(secrets.choice("0123456789") for _ in range(DIGITS))
        with self.min_response_time(claim.token):
            order = self._record_code(find_link(claim), claim, address, code)
        shop = order.shop_name or self.shop_name
        email = message.render(
            "code",
            order.locale,
            shop=shop,
            name=order.customer_name,
            code=code,
            order_id=order.order_id,
            minutes=int(CODE_LIFETIME.total_seconds() // 60),
        )
        try:
            self.mailer.send(
                email, to=str(order.customer_email), shop=shop, order_id=order.order_id
            )
        except NOT_SENT as error:
            self._record_not_sent(order, claim, hash_code(claim.token, code), error)
            raise
        except MailOutcomeUnknown as error:
            store.record_event(order, _not_sent(error), clock=self.clock)
            raise

    @retry_lost_races
    def _record_code(
        self, known: AccessLink, claim: ClaimRequest, address: str | None, code: str
    ) -> OrderRecord:
        edit = Edit(order_of(known), self.clock())
        order, now = edit.order, edit.now
        link = find_usable(claim, order, now, self.clock)
        if order.shredded_at is not None or order.customer_email is None:
            raise LinkUnusable
        if order.guarded_by != Protection.OTP:
            raise InvalidRequest("no code is e-mailed for this link")
        if is_suppressed(order.tenant_id, order.customer_email):
            raise LinkUnusable
        _expect_address(address, order.customer_email)
        links.use(
            edit.work,
            link,
            now,
            code_hash=hash_code(claim.token, code),
            former_codes=b"".join(known_codes(link)[-_FORMER_CODES:]) or None,
            code_sent_at=edit.timestamp,
            codes_sent=_sent_lately(link, now) + 1,
        )
        counted = daily_totals.count(edit, order.customer_email)
        edit.commit(Event(EventName.CODE_SENT, method="email", **claim.origin), **counted)
        return order

    @retry_lost_races
    def _record_not_sent(
        self, counted: OrderRecord, claim: ClaimRequest, code_hash: bytes, error: CardvaultError
    ) -> None:
        edit = Edit(store.find(counted.order_id), self.clock())
        link = links.find(Kind.CLAIM, claim.token)
        if link is not None and links.fault(link, edit.order, edit.now) is None:
            unsent = {"code_hash": None} if link.code_hash == code_hash else {}
            left = max(0, int(link.codes_sent) - 1)
            links.use(edit.work, link, edit.now, codes_sent=left, **unsent)
        edit.commit(_not_sent(error), **daily_totals.give_back(edit, counted))


def _expect_address(given: str | None, on_file: str) -> None:
    """Raises InvalidRequest without one, WrongAddress for another."""
    if not given:
        raise InvalidRequest("email is required: the address that the message was sent to")
    if typed.email(given).lower() != typed.email(on_file).lower():
        raise WrongAddress


def _sent_lately(link: AccessLink, now: datetime) -> int:
    """How many codes were sent without a pause. Raises TooSoon, TooManyCodes."""
    if link.code_sent_at is None:
        return 0
    since = now - from_text(link.code_sent_at)
    if since < CODE_SPACING:
        raise TooSoon
    if since >= CODES_WITHIN:
        return 0
    if int(link.codes_sent) >= MOST_CODES:
        raise TooManyCodes(math.ceil((CODES_WITHIN - since).total_seconds()))
    return int(link.codes_sent)


def _not_sent(error: CardvaultError) -> Event:
    return Event(EventName.CODE_NOT_SENT, method="email", reason=error.code)
