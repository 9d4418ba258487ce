"""A new link, because the holder of one that is over asks for it."""

from dataclasses import dataclass, field
from datetime import datetime

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.failures import report
from cardvault.aws.retries import retry_lost_races
from cardvault.claims.claim import ClaimRequest, order_of
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.errors import CardvaultError
from cardvault.links import AccessLink, Kind, State
from cardvault.mail.resend import expect_spacing
from cardvault.mail.send import OrderMailer, PreparedMail
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Edit

# Two transactions and SES's answer.
RENEWAL_TAKES_S = 1.5


@dataclass(frozen=True, slots=True)
class RenewClaim:
    """The holder of a link that is over asks for a new one, to the address on file.

    Over is one that has expired, was used, has no one-time codes left, or was replaced by one that
    may never have been sent, since the process died on its way to SES. It always ends the same way
    and takes equally long, so it tells nothing of the link. A locked link stays locked until the
    shop gives the address again, and wrong tries are carried over: renewing gives no new ones.
    """

    order_mailer: OrderMailer
    min_response_time: MinResponseTime = field(
        default_factory=lambda: MinResponseTime(RENEWAL_TAKES_S, always=True)
    )

    def __call__(self, claim: ClaimRequest) -> None:
        """Send it if it may be sent."""
        with self.min_response_time(claim.token):
            link = links.find(Kind.CLAIM, claim.token)
            if link is None:
                return
            try:
                prepared = self._prepare(link, claim)
                if prepared is not None:
                    self.order_mailer.send(prepared)
            except CardvaultError as error:
                report(error)

    @retry_lost_races
    def _prepare(self, known: AccessLink, claim: ClaimRequest) -> PreparedMail | None:
        edit = Edit(order_of(known), self.order_mailer.clock())
        link = links.find(Kind.CLAIM, claim.token)
        if link is None or not _is_over(link, edit.order, edit.now):
            return None
        if edit.order.stored_at is None or edit.order.shredded_at is not None:
            return None
        expect_spacing(edit.order, edit.now, failed_at=edit.order.mail_failed_at)
        event = Event(EventName.EMAIL_RENEWED, method="email", **claim.origin)
        return self.order_mailer.prepare(edit, event)


def _is_over(link: AccessLink, order: OrderRecord, now: datetime) -> bool:
    fault = links.fault(link, order, now)
    if fault == f"LINK_{State.REPLACED.upper()}":
        return order.mailing_at is not None
    return fault in {"LINK_EXPIRED", f"LINK_{State.USED.upper()}"}
