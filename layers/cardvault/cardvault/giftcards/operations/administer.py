"""What a merchant's staff does to a card: suspend, void, extend, correct, hand over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cardvault.core.clock import from_text, to_text
from cardvault.errors import LimitExceeded, Unprocessable
from cardvault.giftcards import programs, store
from cardvault.giftcards.fields import (
    EMAIL,
    MOMENT,
    NAME_OF_YOURS,
    SIGNED_AMOUNT,
    checker,
    moment,
    remarks,
    text,
)
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.operations.command import Change
from cardvault.giftcards.views import Views

_check_suspend = checker({"reason": text(500)}, {"expiresAt": MOMENT})
_check_nothing = checker({})
_check_void = checker({"reason": text(1000)}, {"refundReference": text(100)})
_check_process = checker(
    {"action": {"type": "string", "enum": ["extend", "refund", "void"]}},
    {
        "extensionDays": {"type": "integer", "minimum": 1, "maximum": 730},
        "refundReference": text(100),
    },
)
_check_adjust = checker({"amount": SIGNED_AMOUNT, "reason": text(500)}, {"referenceId": text(100)})
_check_hand_over = checker(
    {"newOwnerName": text(255), "newOwnerEmail": EMAIL},
    {"newCustomerId": NAME_OF_YOURS, "referenceId": text(100)},
)


@dataclass(frozen=True, slots=True)
class ManageCards:
    """Each raises as it says, and as `Ledger.post`."""

    ledger: Ledger
    views: Views

    def suspend(self, change: Change) -> Answer:
        """Stop an active or depleted card, until a moment or until further notice.

        Raises Unprocessable, GiftCardNotFound, CardRefused.
        """
        wanted = _check_suspend(change.body)
        until = moment("expiresAt", wanted["expiresAt"]) if "expiresAt" in wanted else None

        def decide(now: datetime) -> Plan:
            card = self._card(change)
            lifecycle.expect(card, lifecycle.LIVE, now)
            if until is not None and until <= now:
                raise Unprocessable("expiresAt must lie ahead")
            end = to_text(until) if until else None
            facts = {
                "suspended_at": to_text(now),
                "suspended_until": end,
                "suspended_reason": wanted["reason"],
            }
            details = {**remarks(wanted), "until": end}
            return self._shown(Posting(card, EntryType.SUSPENSION, 0, facts, details), now)

        return self.ledger.post(decide, None, change.caller.client_id)

    def unsuspend(self, change: Change) -> Answer:
        """Let a suspended card live again. Raises Unprocessable, GiftCardNotFound, CardRefused."""
        _check_nothing(change.body)

        def decide(now: datetime) -> Plan:
            card = self._card(change)
            lifecycle.expect(card, frozenset({Status.SUSPENDED}), now)
            facts = dict.fromkeys(("suspended_at", "suspended_until", "suspended_reason"))
            return self._shown(Posting(card, EntryType.UNSUSPENSION, 0, facts), now)

        return self.ledger.post(decide, None, change.caller.client_id)

    def void(self, change: Change) -> Answer:
        """End a card for good; what is on it is written off, and its holds are over.

        Raises Unprocessable, GiftCardNotFound, CardRefused.
        """
        wanted = _check_void(change.body)

        def decide(now: datetime) -> Plan:
            card = self._card(change)
            lifecycle.expect(card, lifecycle.VOIDABLE, now)
            return _voided(card, remarks(wanted), "void", "Gift card voided", now)

        return self.ledger.post(decide, change.once("void"), change.caller.client_id)

    def process_expired(self, change: Change) -> Answer:
        """Extend a card, expired or not; or end an expired one, forfeited or paid out elsewhere.

        Raises Unprocessable, GiftCardNotFound, ProgramNotFound, CardRefused, LimitExceeded.
        """
        wanted = _check_process(change.body)
        action = wanted["action"]
        if (action == "extend") != ("extensionDays" in wanted):
            raise Unprocessable("extensionDays is required to extend, and for nothing else")
        program = programs.owned(change.program_id, change.caller)

        def decide(now: datetime) -> Plan:
            card = self._card(change)
            if action == "extend":
                lifecycle.expect(card, lifecycle.VOIDABLE, now)
                days, longest = timedelta(days=wanted["extensionDays"]), program.longest_life
                return _extended(card, days, longest, now)
            lifecycle.expect(card, frozenset({Status.EXPIRED}), now)
            message = "Balance paid out" if action == "refund" else "Balance forfeited"
            return _voided(card, remarks(wanted), action, message, now)

        return self.ledger.post(decide, change.once("process-expired"), change.caller.client_id)

    def adjust(self, change: Change) -> Answer:
        """Correct a balance by a signed amount, with the reason.

        Raises Unprocessable, GiftCardNotFound, ProgramNotFound, CardRefused, InsufficientFunds,
        LimitExceeded.
        """
        wanted = _check_adjust(change.body)
        program = programs.owned(change.program_id, change.caller)
        most = program.max_balance
        amount = money.minor_units("amount", wanted["amount"], least=-most, most=most)
        if amount == 0:
            raise Unprocessable("amount must not be zero")

        def decide(now: datetime) -> Plan:
            card = self._card(change)
            lifecycle.expect(card, lifecycle.CREDITABLE, now)
            lifecycle.expect_funds(card, -amount, now)
            lifecycle.expect_room(card, amount, most)
            posting = Posting(card, EntryType.ADJUSTMENT, amount, details=remarks(wanted))
            return self._shown(posting, now)

        return self.ledger.post(decide, change.once("adjust"), change.caller.client_id)

    def hand_over(self, change: Change) -> Answer:
        """Make an active card another customer's.

        Raises Unprocessable, GiftCardNotFound, CardRefused.
        """
        wanted = _check_hand_over(change.body)

        def decide(now: datetime) -> Plan:
            card = self._card(change)
            lifecycle.expect(card, frozenset({Status.ACTIVE}), now)
            facts = {
                "customer_name": wanted["newOwnerName"],
                "customer_email": wanted["newOwnerEmail"],
                "customer_id": wanted.get("newCustomerId"),
                "customer_phone": None,
                "code_mac": None,  # what the former owner knows opens it no more
            }
            details = remarks(wanted)
            return self._shown(Posting(card, EntryType.OWNERSHIP_TRANSFER, 0, facts, details), now)

        return self.ledger.post(decide, None, change.caller.client_id)

    def _card(self, change: Change) -> CardRecord:
        return store.seen(change.program_id, change.card_id, change.caller)

    def _shown(self, posting: Posting, now: datetime) -> Plan:
        return Plan([posting], lambda _: self.views.card(posting.card, now))


def _voided(
    card: CardRecord, details: dict[str, Any], action: str, message: str, now: datetime
) -> Plan:
    facts = {"voided_at": to_text(now), "expiry_watch": None, "holds": None}
    posting = Posting(card, EntryType.VOID, -card.balance, facts, details)
    told = {"success": True, "cardId": card.card_id, "action": action, "message": message}
    return Plan([posting], lambda done: {**told, "transactionId": done[0].id})


def _extended(card: CardRecord, days: timedelta, longest: timedelta, now: datetime) -> Plan:
    expires_at = max(now, from_text(card.expires_at)) + days
    if expires_at > now + longest:
        raise LimitExceeded(f"a gift card lasts at most {longest.days} days from now")
    end = to_text(expires_at)
    facts = {"expires_at": end, "expiry_watch": card.program_id}
    posting = Posting(card, EntryType.EXTENSION, 0, facts, {"until": end})
    told = {"success": True, "cardId": card.card_id, "action": "extend", "newExpiresAt": end}
    message = "Gift card extended"
    return Plan([posting], lambda done: {**told, "message": message, "transactionId": done[0].id})
