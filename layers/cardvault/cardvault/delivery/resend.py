"""A new link on request: by the shop, or by who holds a link that is over."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cardvault.audit.trail import Event
from cardvault.delivery import links
from cardvault.delivery.claims import Visit
from cardvault.delivery.links import Kind, State
from cardvault.delivery.patience import Patience
from cardvault.delivery.send import Postman
from cardvault.delivery.suppression import lift
from cardvault.errors import CardsShredded, CardvaultError, OrderNotFulfilled, TooSoon
from cardvault.orders.recipient import ADDRESS
from cardvault.orders.records import OrderRecord
from cardvault.orders.refusals import owned_or_told
from cardvault.runtime.caller import Caller
from cardvault.runtime.clock import from_text, to_text
from cardvault.runtime.failures import report
from cardvault.runtime.schemas import checker

if TYPE_CHECKING:
    from datetime import datetime

RESEND_SPACING = timedelta(seconds=30)

check_request = checker(
    {"type": "object", "additionalProperties": False, "properties": {"email": ADDRESS}}
)


def expect_spacing(order: OrderRecord, now: "datetime") -> None:
    """Raises TooSoon if mail was sent, or may have been, less than RESEND_SPACING ago."""
    moments = [moment for moment in (order.mailing_at, order.emailed_at) if moment]
    if any(now < from_text(moment) + RESEND_SPACING for moment in moments):
        raise TooSoon


@dataclass(frozen=True, slots=True)
class ResendEmail:
    """The shop asks for the mail again, also for that of a refund.

    The link sent before is dead from then on.
    """

    postman: Postman

    def __call__(self, order_id: str, address: str | None, caller: Caller) -> OrderRecord:
        """The order, once the mail is sent.

        With an address, which needs the scope orders:correct, that becomes the customer's; given
        on purpose, it is written to even if mail to it bounced before. Raises Forbidden,
        OrderNotFound, OrderNotFulfilled, CardsShredded, TooSoon, and what sending raises.
        """
        if address:
            caller.require("orders:correct")
        order = owned_or_told(order_id, "RESEND_REFUSED", caller, clock=self.postman.clock)

        def allow(fresh: OrderRecord) -> bool:
            if fresh.shredded_at is not None:
                raise CardsShredded
            if fresh.ended_as is None:
                raise OrderNotFulfilled
            expect_spacing(fresh, self.postman.clock())
            return True

        allow(order)
        if address:
            lift(order.tenant_id, address, to_text(self.postman.clock()))
        event = Event(
            "EMAIL_CORRECTED" if address else "EMAIL_RESENT",
            method="email",
            **caller.traces(order.tenant_id),
        )
        changes = {"customer_email": address} if address else None
        return self.postman.send(order_id, allow, event, changes)


@dataclass(frozen=True, slots=True)
class RenewClaim:
    """The holder of an expired or used link asks for a new one, to the address on file.

    It always ends the same way and takes equally long, so it tells nothing of the link. A locked
    link stays locked until the shop sends another: renewing must not give new tries.
    """

    postman: Postman
    patience: Patience = field(default_factory=lambda: Patience(floor_s=1.5, always=True))

    def __call__(self, visit: Visit) -> None:
        """Send it if it may be sent."""
        with self.patience():
            link = links.find(Kind.CLAIM, visit.token)
            if link is None:
                return
            try:
                self._renew(link.order_id, visit)
            except CardvaultError as error:
                report(error)

    def _renew(self, order_id: str, visit: Visit) -> None:
        def allow(order: OrderRecord) -> bool:
            now = self.postman.clock()
            fresh = links.find(Kind.CLAIM, visit.token)
            over = fresh is not None and links.fault(fresh, now)
            if over not in {"LINK_EXPIRED", f"LINK_{State.USED.upper()}"}:
                return False
            if order.stored_at is None or order.shredded_at is not None:
                return False
            expect_spacing(order, now)
            return True

        traces: dict[str, Any] = visit.origin
        self.postman.send(order_id, allow, Event("EMAIL_RENEWED", method="email", **traces))
