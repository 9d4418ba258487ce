"""What a merchant's staff does to a card: suspend, void, extend, correct, hand over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import from_text, to_text
from cardvault.errors import InvalidRequest, LimitExceeded
from cardvault.giftcards.fields import (
    EMAIL,
    MOMENT,
    NAME_OF_YOURS,
    SIGNED_AMOUNT,
    Metadata,
    checker,
    metadata,
    name,
    optional_moment,
    text,
)
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.operations.command import Command, idempotent
from cardvault.giftcards.programs import ProgramRecord
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
    {"newOwnerName": name(255), "newOwnerEmail": EMAIL},
    {"newCustomerId": NAME_OF_YOURS, "referenceId": text(100)},
)
_PROCESSED = {"refund": "Balance paid out", "void": "Balance forfeited"}


@dataclass(frozen=True, slots=True)
class Processing:
    """What to do with an expired card, and for how long to extend it, if that is it."""

    action: str
    extension: timedelta | None
    metadata: Metadata

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Processing":
        """From a checked body. Raises InvalidRequest."""
        action, days = given["action"], given.get("extensionDays")
        if (action == "extend") != (days is not None):
            raise InvalidRequest("extensionDays is required to extend, and for nothing else")
        return cls(action, timedelta(days=days) if days else None, metadata(given))


@dataclass(frozen=True, slots=True)
class ManageCards:
    """Each raises as it says, and TooManyWriters; with an Idempotency-Key as `idempotent`."""

    ledger: Ledger
    views: Views

    @retry_lost_races
    def suspend(self, command: Command) -> Answer:
        """Stop an active or depleted card, until a moment or until further notice.

        Raises InvalidRequest, GiftCardNotFound, CardRefused.
        """
        given = _check_suspend(command.body)
        until = optional_moment("expiresAt", given)
        work, card = self._begin(command)
        lifecycle.expect(card, lifecycle.LIVE, work.now)
        if until is not None and until <= work.now:
            raise InvalidRequest("expiresAt must lie ahead")
        end = to_text(until) if until else None
        changes = {
            "suspended_at": to_text(work.now),
            "suspended_until": end,
            "suspended_reason": given["reason"],
        }
        work.post(card, EntryType.SUSPENSION, 0, changes, until=end, **metadata(given))
        return self._commit(work, card)

    @retry_lost_races
    def unsuspend(self, command: Command) -> Answer:
        """Let a suspended card live again.

        Raises InvalidRequest, GiftCardNotFound, CardRefused.
        """
        _check_nothing(command.body)
        work, card = self._begin(command)
        lifecycle.expect(card, frozenset({Status.SUSPENDED}), work.now)
        changes = dict.fromkeys(("suspended_at", "suspended_until", "suspended_reason"))
        work.post(card, EntryType.UNSUSPENSION, 0, changes)
        return self._commit(work, card)

    @idempotent("void")
    def void(self, command: Command, work: LedgerWork) -> Answer:
        """End a card for good; what is on it is written off, and its holds are over.

        Raises InvalidRequest, GiftCardNotFound, CardRefused.
        """
        said = metadata(_check_void(command.body))
        card = command.card()
        lifecycle.expect(card, lifecycle.VOIDABLE, work.now)
        return _void(work, card, said, "void", "Gift card voided")

    @idempotent("process-expired")
    def process_expired(self, command: Command, work: LedgerWork) -> Answer:
        """Extend a card, expired or not; or end an expired one, forfeited or paid out elsewhere.

        Raises InvalidRequest, GiftCardNotFound, ProgramNotFound, CardRefused, LimitExceeded.
        """
        given = Processing.of(_check_process(command.body))
        program, card = command.program(), command.card()
        if given.extension is not None:
            return _extend(work, card, given.extension, program)
        lifecycle.expect(card, frozenset({Status.EXPIRED}), work.now)
        return _void(work, card, given.metadata, given.action, _PROCESSED[given.action])

    @idempotent("adjust")
    def adjust(self, command: Command, work: LedgerWork) -> Answer:
        """Correct a balance by a signed amount, with the reason.

        Raises InvalidRequest, GiftCardNotFound, ProgramNotFound, CardRefused, InsufficientFunds,
        LimitExceeded.
        """
        given, program = _check_adjust(command.body), command.program()
        most = program.max_balance
        amount = money.minor_units("amount", given["amount"], least=-most, most=most)
        if amount == 0:
            raise InvalidRequest("amount must not be zero")
        card = command.card()
        lifecycle.expect(card, lifecycle.CREDITABLE, work.now)
        lifecycle.expect_funds(card, -amount, work.now)
        lifecycle.expect_room(card, amount, most)
        work.post(card, EntryType.ADJUSTMENT, amount, **metadata(given))
        return self._commit(work, card)

    @retry_lost_races
    def hand_over(self, command: Command) -> Answer:
        """Make an active card another customer's.

        Raises InvalidRequest, GiftCardNotFound, CardRefused.
        """
        given = _check_hand_over(command.body)
        work, card = self._begin(command)
        lifecycle.expect(card, frozenset({Status.ACTIVE}), work.now)
        changes = {
            "customer_name": given["newOwnerName"],
            "customer_email": given["newOwnerEmail"],
            "customer_id": given.get("newCustomerId"),
            "customer_phone": None,
            "code_mac": None,  # what the former owner knows opens it no more
        }
        work.post(card, EntryType.OWNERSHIP_TRANSFER, 0, changes, **metadata(given))
        return self._commit(work, card)

    def _begin(self, command: Command) -> tuple[LedgerWork, CardRecord]:
        return self.ledger.begin(command.caller.client_id), command.card()

    def _commit(self, work: LedgerWork, card: CardRecord) -> Answer:
        return work.commit_answer(self.views.card(card, work.now))


def _void(work: LedgerWork, card: CardRecord, said: Metadata, action: str, message: str) -> Answer:
    entry = work.post(card, EntryType.VOID, -card.balance, lifecycle.voiding(work.now), **said)
    answer = {"success": True, "cardId": card.card_id, "action": action, "message": message}
    return work.commit_answer({**answer, "transactionId": entry.id})


def _extend(
    work: LedgerWork, card: CardRecord, extension: timedelta, program: ProgramRecord
) -> Answer:
    lifecycle.expect(card, lifecycle.VOIDABLE, work.now)
    longest = program.longest_life
    expires_at = max(work.now, from_text(card.expires_at)) + extension
    if expires_at > work.now + longest:
        raise LimitExceeded(f"a gift card lasts at most {longest.days} days from now")
    end = to_text(expires_at)
    changes = {"expires_at": end, "expiry_watch": card.program_id}
    entry = work.post(card, EntryType.EXTENSION, 0, changes, until=end)
    answer = {"success": True, "cardId": card.card_id, "action": "extend", "newExpiresAt": end}
    return work.commit_answer(
        {**answer, "message": "Gift card extended", "transactionId": entry.id}
    )
