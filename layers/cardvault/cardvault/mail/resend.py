"""A new link, because the shop asks for it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import from_text
from cardvault.errors import CardsShredded, OrderNotFulfilled, TooSoon
from cardvault.http import fields
from cardvault.http.caller import Caller
from cardvault.http.schemas import body, checker
from cardvault.mail.send import OrderMailer, PreparedMail
from cardvault.mail.suppression import lift
from cardvault.orders.access import get_owned_or_audit
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Edit

if TYPE_CHECKING:
    from datetime import datetime

RESEND_SPACING = timedelta(seconds=30)

check_request = checker(body({}, {"email": fields.EMAIL}))


def expect_spacing(order: OrderRecord, now: "datetime", *, failed_at: str | None = None) -> None:
    """Raises TooSoon if mail was sent, or may have been, less than RESEND_SPACING ago.

    The shop may try again at once what was not sent; with `failed_at` that has to wait as well.
    """
    tried_at = (order.mailing_at, order.emailed_at, failed_at)
    moments = [moment for moment in tried_at if moment]
    if any(now < from_text(moment) + RESEND_SPACING for moment in moments):
        raise TooSoon


@dataclass(frozen=True, slots=True)
class ResendEmail:
    """The shop asks for the mail again, also for that of a refund.

    The link sent before is dead from then on.
    """

    order_mailer: OrderMailer

    def __call__(self, order_id: str, address: str | None, caller: Caller) -> OrderRecord:
        """The order, once the mail is sent.

        With an address, which needs the scope orders:correct, that becomes the customer's; given
        on purpose, it is written to even if mail to it bounced before, or too many wrong codes
        were given. Raises Forbidden, OrderNotFound, OrderNotFulfilled, CardsShredded, TooSoon, and
        what preparing and sending raise.
        """
        if address:
            caller.require("orders:correct")
        return self.order_mailer.send(self._prepare(order_id, address, caller))

    @retry_lost_races
    def _prepare(self, order_id: str, address: str | None, caller: Caller) -> PreparedMail:
        clock = self.order_mailer.clock
        order = get_owned_or_audit(order_id, EventName.RESEND_REFUSED, caller, clock=clock)
        edit = Edit(order, clock())
        if order.shredded_at is not None:
            raise CardsShredded
        if order.ended_as is None:
            raise OrderNotFulfilled
        expect_spacing(order, edit.now)
        if address:
            lift(order.tenant_id, address, edit.timestamp)
        event = Event(
            EventName.EMAIL_CORRECTED if address else EventName.EMAIL_RESENT,
            method="email",
            **caller.audit_actor(order.tenant_id),
        )
        return self.order_mailer.prepare(edit, event, address=address)
