"""What became of a mail, as SES tells through EventBridge.

Source: https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html, and for `detail`
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cardvault.audit.trail import Event
from cardvault.delivery.suppression import suppression
from cardvault.errors import OrderNotFound
from cardvault.orders import store
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Change
from cardvault.runtime.clock import Clock, to_text, utc_now
from cardvault.runtime.ids import is_id
from cardvault.runtime.metrics import count

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite


@dataclass(frozen=True, slots=True)
class _Outcome:
    event: str
    status: str
    reason: str | None = None
    suppresses: bool = False


def _outcome(detail: dict[str, Any]) -> _Outcome | None:
    match detail.get("eventType"):
        case "Delivery":
            return _Outcome("EMAIL_DELIVERED", "delivered")
        case "Bounce":
            # A full mailbox, say, is not the address's fault; only a permanent bounce is.
            permanent = detail["bounce"].get("bounceType") == "Permanent"
            kind = f"{detail['bounce'].get('bounceType')}/{detail['bounce'].get('bounceSubType')}"
            return _Outcome("EMAIL_BOUNCED", "bounced", kind, suppresses=permanent)
        case "Complaint":
            kind = detail["complaint"].get("complaintFeedbackType")
            return _Outcome("EMAIL_COMPLAINED", "complained", kind, suppresses=True)
        case "Reject":
            return _Outcome("EMAIL_REJECTED", "rejected", "content")
    return None


@dataclass(frozen=True, slots=True)
class HandleEmailEvent:
    """Notes an outcome on the order its tag names; events of anything else are let pass."""

    clock: Clock = utc_now

    def __call__(self, detail: dict[str, Any]) -> OrderRecord | None:
        """The order as it is now, None if the event is none of ours.

        An event that comes twice is recorded once: EventBridge may deliver it again.
        """
        mail = detail.get("mail", {})
        outcome, order_id = _outcome(detail), _tag(mail, "orderId")
        if outcome is None or not is_id(order_id):
            return None
        try:
            order = store.find(order_id)
        except OrderNotFound:
            return None
        # To an address that was corrected since, it is history.
        address = order.customer_email or ""
        is_current = address.lower() in {to.lower() for to in mail.get("destination", [])}
        if outcome.suppresses:
            count("EmailSuppressed")
        return store.change(
            order_id,
            lambda fresh: self._decide(fresh, outcome, is_current=is_current),
            clock=self.clock,
            known=order,
        )

    def _decide(self, order: OrderRecord, outcome: _Outcome, *, is_current: bool) -> Change | None:
        if is_current and order.email_status == outcome.status:
            return None
        event = Event(outcome.event, method="email", reason=outcome.reason)
        address = order.customer_email
        if not is_current or address is None:
            return Change(event, {})

        def suppress(transaction: "TransactWrite") -> None:
            since = to_text(self.clock())
            transaction.save(suppression(order.tenant_id, address, outcome.status, since))

        status = {"email_status": outcome.status}
        return Change(event, status, also=suppress if outcome.suppresses else None)


def _tag(mail: dict[str, Any], name: str) -> str:
    values = mail.get("tags", {}).get(name) or [""]
    return str(values[0])
