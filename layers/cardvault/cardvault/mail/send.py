"""E-mail about an order: the intent is noted before it is sent, so it is sent at most once (I9).

The intent is `mailingAt` on the order. A step that finds it without knowing how the earlier try
ended does not send again: it says so, and a person decides. The intent is removed only by an
answer which proves that nothing was sent: then the link before works again, and the message does
not count.

Each mail has an id of its own, `mailId`, under which SES tells later what became of it. What was
known of the mail before, `emailedAt` and `emailStatus`, ends with the intent.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import (
    AddressSuppressed,
    CardvaultError,
    ClaimLocked,
    MailOutcomeUnknown,
    NoRecipient,
)
from cardvault.fulfilment.outcome import attention_for_mail, settled_by_mail
from cardvault.links import MOST_WRONG_TRIES, AccessLink, Kind, Replaced
from cardvault.mail import daily_totals, message
from cardvault.mail.message import RenderedEmail
from cardvault.mail.ses import NOT_SENT, Mailer
from cardvault.mail.suppression import is_suppressed
from cardvault.orders import store
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Edit


@dataclass(frozen=True, slots=True)
class PreparedMail:
    """The intent to send mail about an order, as it is stored, and its claim link's token.

    `claim_page` is where customers follow it; `replaced` is the link before, if there was one.
    """

    order: OrderRecord
    claim_page: str
    token: str = field(repr=False)
    replaced: Replaced | None = None


@dataclass(frozen=True, slots=True)
class OrderMailer:
    """Sends e-mail to an order's customer. `shop_name` is for orders that name no shop.

    `public_url()` is the address under which customers find the claim page.
    """

    mailer: Mailer
    shop_name: str
    public_url: Callable[[], str]
    link_lifetime: timedelta
    clock: Clock = utc_now

    def deliver(self, order_id: str) -> OrderRecord:
        """The workflow's mail: the claim link, or the news of the refund. A repeat sends nothing.

        Nothing is sent about cards that were shredded, nor to a customer who was erased. Raises
        MailOutcomeUnknown when an earlier try may have sent it, and what `prepare` and `send`
        raise.
        """
        self.mailer.expect_set_up()
        prepared = self._prepare_delivery(order_id)
        return store.find(order_id) if prepared is None else self.send(prepared, retried=True)

    @retry_lost_races
    def _prepare_delivery(self, order_id: str) -> PreparedMail | None:
        edit = Edit(store.find(order_id), self.clock())
        order = edit.order
        if order.emailed_at is not None or order.shredded_at is not None or order.is_erased:
            return None
        if edit.order.mailing_at is not None:
            raise MailOutcomeUnknown
        return self.prepare(edit, Event(EventName.EMAIL_SENDING, method="email"))

    def prepare(self, edit: Edit, event: Event, *, address: str | None = None) -> PreparedMail:
        """Note the intent to send, with a fresh link in place of the old, and commit the edit.

        The old link is dead from then on. `address` becomes the customer's, who may try codes
        afresh. Raises MailNotSetUp, NoRecipient, AddressSuppressed, ClaimLocked, TooManyMails,
        LostRace.
        """
        self.mailer.expect_set_up()
        order = edit.order
        # Read before the intent is noted: what fails here has surely sent nothing.
        claim_page = f"{self.public_url()}/claim"
        recipient = address or order.customer_email
        if recipient is None:
            raise NoRecipient
        if is_suppressed(order.tenant_id, recipient):
            raise AddressSuppressed
        if not address and int(order.wrong_tries or 0) >= MOST_WRONG_TRIES:
            raise ClaimLocked
        changes = daily_totals.count(edit, recipient)
        if address:
            changes |= {"customer_email": address, "wrong_tries": None}
        replaced = None
        token, link = links.make(
            Kind.CLAIM, order.order_id, now=edit.now, lifetime=self.link_lifetime
        )
        if order.stored_at is not None:
            if order.link_hash:
                replaced = links.replace(edit.work, order.link_hash)
            edit.work.save(link, AccessLink.token_hash.does_not_exist())
            changes["link_hash"] = link.token_hash
        edit.commit(
            event,
            mail_id=secrets.token_hex(8),
            mailing_at=edit.timestamp,
            emailed_at=None,
            email_status=None,
            **changes,
        )
        return PreparedMail(order, claim_page, token, replaced)

    def send(self, prepared: PreparedMail, *, retried: bool = False) -> OrderRecord:
        """Send what was prepared, and record what became of it.

        An order whose mail was not sent needs a person at once, unless the caller tries again
        and records the end (`retried`). Raises MailThrottled, MailUnavailable, MailRefused,
        MailOutcomeUnknown.
        """
        order = prepared.order
        email = self._render(prepared)
        try:
            self._send(order, email)
        except NOT_SENT as error:
            self._record_not_sent(prepared, error, retried=retried)
            raise
        except MailOutcomeUnknown as error:
            self._record_unknown(order.order_id, error)
            raise
        return self._record_sent(order.order_id)

    def _send(self, order: OrderRecord, email: RenderedEmail) -> None:
        self.mailer.send(
            email,
            to=str(order.customer_email),
            shop=order.shop_name or self.shop_name,
            order_id=order.order_id,
            mail_id=order.mail_id,
        )

    def _render(self, prepared: PreparedMail) -> RenderedEmail:
        order = prepared.order
        known = {
            "shop": order.shop_name or self.shop_name,
            "name": order.customer_name,
            "title": order.title,
            "order_id": order.order_id,
        }
        if order.stored_at is None:
            return message.render("refund", order.locale, **known)
        return message.render(
            "delivery",
            order.locale,
            **known,
            count=int(order.fulfilled_quantity or 0),
            missing=int(order.refunded_quantity or 0),
            protection=order.guarded_by,
            expires_at=self.clock() + self.link_lifetime,
            url=f"{prepared.claim_page}#{prepared.token}",
        )

    @retry_lost_races
    def _record_not_sent(
        self, prepared: PreparedMail, error: CardvaultError, *, retried: bool
    ) -> None:
        edit = Edit(store.find(prepared.order.order_id), self.clock())
        given_back = {
            **daily_totals.give_back(edit, prepared.order),
            **_restore_link(edit, prepared),
        }
        needs = {} if retried else attention_for_mail(edit.order, error.code, edit.timestamp)
        event = Event(EventName.EMAIL_REFUSED, method="email", reason=error.code)
        edit.commit(event, mailing_at=None, mail_failed_at=edit.timestamp, **given_back, **needs)

    @retry_lost_races
    def _record_unknown(self, order_id: str, error: CardvaultError) -> None:
        edit = Edit(store.find(order_id), self.clock())
        event = Event(EventName.EMAIL_UNKNOWN, method="email", reason=error.code)
        edit.commit(event, **attention_for_mail(edit.order, error.code, edit.timestamp))

    @retry_lost_races
    def _record_sent(self, order_id: str) -> OrderRecord:
        edit = Edit(store.find(order_id), self.clock())
        edit.commit(
            Event(EventName.EMAIL_SENT, method="email"),
            mailing_at=None,
            emailed_at=edit.timestamp,
            email_status=edit.order.email_status or "sent",  # its delivery may be known already
            **settled_by_mail(edit.order),
        )
        return edit.order


def _restore_link(edit: Edit, prepared: PreparedMail) -> dict[str, Any]:
    """End the link that nobody was sent for the one before, unless another was made since."""
    unsent = links.hash_token(prepared.token)
    if prepared.replaced is None or edit.order.link_hash != unsent:
        return {}
    links.replace(edit.work, unsent)
    links.restore(edit.work, prepared.replaced)
    return {"link_hash": prepared.replaced.token_hash}
