"""A new link, because the holder of one that is over asks for it."""

from dataclasses import dataclass, field

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.failures import report
from cardvault.aws.unit_of_work import retry_lost_races
from cardvault.claims.claim import Visit
from cardvault.claims.min_response_time import Patience
from cardvault.errors import CardvaultError
from cardvault.links import Kind, State
from cardvault.mail.resend import expect_spacing
from cardvault.mail.send import Postman, PreparedMail
from cardvault.orders import store
from cardvault.orders.store import Edit


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
                prepared = self._prepare(link.order_id, visit)
                if prepared is not None:
                    self.postman.send(prepared)
            except CardvaultError as error:
                report(error)

    @retry_lost_races
    def _prepare(self, order_id: str, visit: Visit) -> PreparedMail | None:
        edit = Edit(store.find(order_id), self.postman.clock())
        link = links.find(Kind.CLAIM, visit.token)
        over = link is not None and links.fault(link, edit.now)
        if over not in {"LINK_EXPIRED", f"LINK_{State.USED.upper()}"}:
            return None
        if edit.order.stored_at is None or edit.order.shredded_at is not None:
            return None
        expect_spacing(edit.order, edit.now)
        event = Event(EventName.EMAIL_RENEWED, method="email", **visit.origin)
        return self.postman.prepare(edit, event)
