"""What became of an e-mail message, as SES reports through EventBridge.

Events come late, twice and in any order. Of the order's present mail the worst outcome counts, so
that their order does not matter; those of an earlier e-mail go to the trail alone.

Source: https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html, and for `detail`
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

import re
from dataclasses import dataclass
from typing import Any

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.metrics import count
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock, from_text, utc_now
from cardvault.core.ids import is_id
from cardvault.errors import OrderNotFound
from cardvault.mail.suppression import LIFTED, find_suppression, suppression
from cardvault.orders import store
from cardvault.orders.records import OrderRecord
from cardvault.orders.store import Edit

# From the best to the worst. What was delivered may bounce later, or be complained of.
_WORSE = ("sent", "delivered", "bounced", "rejected", "complained")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class _Outcome:
    event: EventName
    status: str
    reason: str | None = None
    suppresses: bool = False


def _outcome(detail: dict[str, Any]) -> _Outcome | None:
    match detail.get("eventType"):
        case "Delivery":
            return _Outcome(EventName.EMAIL_DELIVERED, "delivered")
        case "Bounce":
            # A full mailbox, say, is not the address's fault; only a permanent bounce is.
            permanent = detail["bounce"].get("bounceType") == "Permanent"
            kind = "/".join(
                _word(detail["bounce"], name) for name in ("bounceType", "bounceSubType")
            )
            return _Outcome(EventName.EMAIL_BOUNCED, "bounced", kind, suppresses=permanent)
        case "Complaint":
            kind = _word(detail["complaint"], "complaintFeedbackType")
            return _Outcome(EventName.EMAIL_COMPLAINED, "complained", kind, suppresses=True)
        case "Reject":
            return _Outcome(EventName.EMAIL_REJECTED, "rejected", "content")
    return None


def _word(told: dict[str, Any], name: str) -> str:
    """A kind in one word. A complaint's is what some mail server wrote: it can be anything."""
    word = told.get(name)
    return word if isinstance(word, str) and _WORD.fullmatch(word) else "unknown"


@dataclass(frozen=True, slots=True)
class _Mail:
    """The mail that an event is about. `taken_at` is when SES took it, RFC 3339."""

    order_id: str
    mail_id: str | None
    addresses: frozenset[str]
    taken_at: str

    @classmethod
    def of(cls, mail: dict[str, Any]) -> "_Mail":
        to = frozenset(address.lower() for address in mail.get("destination", []))
        taken_at = str(mail.get("timestamp", ""))
        return cls(_tag(mail, "orderId"), _tag(mail, "mail") or None, to, taken_at)

    def is_latest_of(self, order: OrderRecord) -> bool:
        return self.mail_id == order.mail_id and self.went_to(order)

    def went_to(self, order: OrderRecord) -> bool:
        return (order.customer_email or "").lower() in self.addresses


@dataclass(frozen=True, slots=True)
class HandleEmailEvent:
    """Notes an outcome on the order its tag names; other events are ignored."""

    clock: Clock = utc_now

    def __call__(self, detail: dict[str, Any]) -> OrderRecord | None:
        """The order as it is now, None if the event is none of ours.

        An event that comes again, or is outdone by one that came before, changes nothing.
        """
        outcome, mail = _outcome(detail), _Mail.of(detail.get("mail", {}))
        if outcome is None or not is_id(mail.order_id):
            return None
        try:
            order = self._record(outcome, mail)
        except OrderNotFound:
            return None
        if outcome.suppresses:
            count("EmailSuppressed")
        return order

    @retry_lost_races
    def _record(self, outcome: _Outcome, mail: _Mail) -> OrderRecord:
        edit = Edit(store.find(mail.order_id), self.clock())
        order = edit.order
        is_latest = mail.is_latest_of(order)
        is_worse = is_latest and _rank(outcome.status) > _rank(order.email_status)
        suppresses = outcome.suppresses and _may_suppress(order, mail, is_latest=is_latest)
        if is_latest and not is_worse and not suppresses:
            return order
        if suppresses:
            address = str(order.customer_email)
            edit.work.save(suppression(order.tenant_id, address, outcome.status, edit.timestamp))
        status = {"email_status": outcome.status} if is_worse else {}
        edit.commit(Event(outcome.event, method="email", reason=outcome.reason), **status)
        return order


def _rank(status: str | None) -> int:
    return _WORSE.index(status) if status else -1


def _may_suppress(order: OrderRecord, mail: _Mail, *, is_latest: bool) -> bool:
    # To an address that was corrected since, or given again on purpose, an older mail is history.
    if not mail.went_to(order):
        return False
    record = find_suppression(order.tenant_id, str(order.customer_email))
    if record is None or is_latest:
        return record is None or record.reason == LIFTED
    return record.reason == LIFTED and from_text(mail.taken_at) >= from_text(record.since)


def _tag(mail: dict[str, Any], name: str) -> str:
    values = mail.get("tags", {}).get(name) or [""]
    return str(values[0])
