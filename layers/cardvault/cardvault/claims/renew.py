"""A new link, because the holder of one that is over asks for it."""

from dataclasses import dataclass, field
from typing import Any

from cardvault import links
from cardvault.audit.trail import Event
from cardvault.aws.failures import report
from cardvault.claims.claim import Visit
from cardvault.claims.min_response_time import Patience
from cardvault.errors import CardvaultError
from cardvault.links import Kind, State
from cardvault.mail.resend import expect_spacing
from cardvault.mail.send import Postman
from cardvault.orders.records import OrderRecord


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
