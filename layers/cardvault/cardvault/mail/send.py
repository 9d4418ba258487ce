"""Mail about an order: marked before it is sent, so that it is sent at most once (I9).

The mark is `mailingAt` on the order. A step that finds it without knowing how the earlier try
ended does not send again: it says so, and a person decides. Only an answer that proves nothing
was sent removes the mark.

Each mail has an id of its own, `mailId`, under which SES tells later what became of it. What was
known of the mail before, `emailedAt` and `emailStatus`, ends with the mark.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cardvault import links
from cardvault.audit.trail import Event
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import (
    AddressSuppressed,
    CardvaultError,
    MailOutcomeUnknown,
    MailRefused,
    MailThrottled,
    MailUnavailable,
    NoRecipient,
)
from cardvault.fulfilment.outcome import attention_for_mail, settled_by_mail
from cardvault.links import AccessLink, Kind
from cardvault.mail import message
from cardvault.mail.message import Letter
from cardvault.mail.ses import Mailer
from cardvault.mail.suppression import is_suppressed
from cardvault.orders import store
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Change

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite

_NOT_SENT = (MailRefused, MailThrottled, MailUnavailable)


@dataclass(frozen=True, slots=True)
class Postman:
    """Writes to an order's customer. `shop_name` is for orders that name no shop.

    `public_url` tells where customers find the claim page.
    """

    mailer: Mailer
    shop_name: str
    public_url: Callable[[], str]
    link_lifetime: timedelta
    clock: Clock = utc_now

    def deliver(self, order_id: str) -> OrderRecord:
        """The workflow's mail: the claim link, or word of the refund. A repeat sends nothing.

        Nor is anything sent of cards that were shredded. Raises MailOutcomeUnknown when an
        earlier try may have sent it, and what `send` raises.
        """

        def allow(order: OrderRecord) -> bool:
            if order.emailed_at is not None or order.shredded_at is not None:
                return False
            if order.mailing_at is not None:
                raise MailOutcomeUnknown
            return True

        return self.send(order_id, allow, Event("EMAIL_SENDING", method="email"), retried=True)

    def send(
        self,
        order_id: str,
        allow: Callable[[OrderRecord], bool],
        event: Event,
        changes: dict[str, Any] | None = None,
        *,
        retried: bool = False,
    ) -> OrderRecord:
        """Send the order's mail, with a fresh link in place of the old, if `allow` says so.

        `changes` are made to the order along with the mark. The old link is dead from then on, so
        an order whose mail was not sent needs a person at once, unless who asks tries again and
        tells the end (`retried`). Raises MailNotSetUp, NoRecipient, AddressSuppressed,
        MailThrottled, MailUnavailable, MailRefused, MailOutcomeUnknown.
        """
        self.mailer.expect_set_up()
        token = ""

        def mark(order: OrderRecord) -> Change | None:
            nonlocal token
            if not allow(order):
                token = ""
                return None
            for name, value in (changes or {}).items():
                setattr(order, name, value)
            self._check_recipient(order)
            token, link = self._new_link(order)
            return self._mark(order, event, link, changes or {})

        order = store.change(order_id, mark, clock=self.clock)
        if not token:
            return order
        letter = self._letter(order, token)
        try:
            self._post(order, letter)
        except _NOT_SENT as error:
            self._record_refusal(order, error, retried=retried)
            raise
        except MailOutcomeUnknown as error:
            self._record_unknown(order, error)
            raise
        return self._record_sent(order)

    def _post(self, order: OrderRecord, letter: Letter) -> None:
        self.mailer.send(
            letter,
            to=str(order.customer_email),
            shop=order.shop_name or self.shop_name,
            order_id=order.order_id,
            mail_id=order.mail_id,
        )

    def _check_recipient(self, order: OrderRecord) -> None:
        if order.customer_email is None:
            raise NoRecipient
        if is_suppressed(order.tenant_id, order.customer_email):
            raise AddressSuppressed

    def _new_link(self, order: OrderRecord) -> tuple[str, AccessLink]:
        return links.make(Kind.CLAIM, order.order_id, now=self.clock(), lifetime=self.link_lifetime)

    def _mark(
        self, order: OrderRecord, event: Event, link: AccessLink, changes: dict[str, Any]
    ) -> Change:
        has_cards = order.stored_at is not None
        old = order.link_hash

        def exchange_links(transaction: "TransactWrite") -> None:
            if not has_cards:
                return
            if old:
                links.replace(transaction, old)
            transaction.save(link, condition=AccessLink.token_hash.does_not_exist())

        marked: dict[str, Any] = {
            "mail_id": secrets.token_hex(8),
            "mailing_at": to_text(self.clock()),
            "emailed_at": None,
            "email_status": None,
            **changes,
        }
        if has_cards:
            marked["link_hash"] = link.token_hash
        return Change(event, marked, also=exchange_links)

    def _letter(self, order: OrderRecord, token: str) -> Letter:
        known = {
            "shop": order.shop_name or self.shop_name,
            "name": order.customer_name,
            "order_id": order.order_id,
        }
        if order.stored_at is None:
            return message.write("refund", order.locale, **known)
        return message.write(
            "delivery",
            order.locale,
            **known,
            count=int(order.fulfilled_quantity or 0),
            missing=int(order.refunded_quantity or 0),
            protection=order.guarded_by,
            expires_at=self.clock() + self.link_lifetime,
            url=f"{self.public_url()}/claim#{token}",
        )

    def _record_refusal(self, order: OrderRecord, error: CardvaultError, *, retried: bool) -> None:
        event = Event("EMAIL_REFUSED", method="email", reason=error.code)
        now = to_text(self.clock())

        def decide(fresh: OrderRecord) -> Change:
            needs = {} if retried else attention_for_mail(fresh, error.code, now)
            return Change(event, {"mailing_at": None, **needs})

        store.change(order.order_id, decide, clock=self.clock)

    def _record_unknown(self, order: OrderRecord, error: CardvaultError) -> None:
        event = Event("EMAIL_UNKNOWN", method="email", reason=error.code)
        now = to_text(self.clock())
        store.change(
            order.order_id,
            lambda fresh: Change(event, attention_for_mail(fresh, error.code, now)),
            clock=self.clock,
        )

    def _record_sent(self, order: OrderRecord) -> OrderRecord:
        now = self.clock()
        return store.change(order.order_id, lambda fresh: _sent(fresh, now), clock=self.clock)


def _sent(order: OrderRecord, now: datetime) -> Change:
    sent: dict[str, Any] = {
        "mailing_at": None,
        "emailed_at": to_text(now),
        "email_status": order.email_status or "sent",  # the delivery may be known already
    }
    return Change(Event("EMAIL_SENT", method="email"), {**sent, **settled_by_mail(order)})
