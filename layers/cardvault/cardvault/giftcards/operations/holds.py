"""Holds: authorize now, capture later, all or a part or nothing. Time alone ends one, too."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cardvault.core.clock import from_text, to_text
from cardvault.core.ids import new_id
from cardvault.errors import HoldNotFound, InvalidRequest, LimitExceeded
from cardvault.giftcards.fields import (
    AMOUNT,
    MOMENT,
    POS_METADATA,
    checker,
    metadata,
    optional_moment,
    text,
)
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.lifecycle import Hold
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.operations.command import AmountToMove, Command, PartToMove, idempotent
from cardvault.giftcards.operations.spend import moved

DEFAULT_HOLD = timedelta(days=7)
LONGEST_HOLD = timedelta(days=30)
MOST_HOLDS = 20

_check_authorize = checker({"amount": AMOUNT}, {**POS_METADATA, "expiresAt": MOMENT})
_check_capture = checker({}, {"amount": AMOUNT, **POS_METADATA})
_check_release = checker({}, {"reason": text(500)})


@dataclass(frozen=True, slots=True)
class HoldMoney:
    """Each raises as it says, and as `idempotent`."""

    ledger: Ledger

    @idempotent("hold")
    def authorize(self, command: Command, work: LedgerWork) -> Answer:
        """Keep an amount back, until the hold expires or is captured or released.

        Raises InvalidRequest, GiftCardNotFound, CardRefused, InsufficientFunds, LimitExceeded.
        """
        body = _check_authorize(command.body)
        given, until = AmountToMove.of(body), optional_moment("expiresAt", body)
        card = command.card()
        lifecycle.expect(card, lifecycle.LIVE, work.now)
        lifecycle.expect_funds(card, given.amount, work.now)
        holds = lifecycle.open_holds(card, work.now)
        if len(holds) >= MOST_HOLDS:
            raise LimitExceeded(f"a gift card takes at most {MOST_HOLDS} open holds")
        end = _end(until, card, work.now)
        hold: Hold = {"id": new_id(work.now), "amount": given.amount, "expiresAt": end}
        entry = work.post(
            card,
            EntryType.HOLD,
            changes={"holds": [*holds, hold]},
            hold_id=hold["id"],
            held_amount=given.amount,
            until=end,
            **given.metadata,
        )
        answer = moved(
            card,
            entry,
            "Amount held",
            holdId=hold["id"],
            amountHeld=money.amount(given.amount),
            availableBalance=money.amount(lifecycle.available(card, work.now)),
            expiresAt=end,
        )
        return work.commit_answer(answer)

    @idempotent("capture {item_id}")
    def capture(self, command: Command, work: LedgerWork) -> Answer:
        """Take what was held, or a part of it; the rest is free again.

        Raises InvalidRequest, GiftCardNotFound, HoldNotFound, CardRefused, InsufficientFunds.
        """
        given = PartToMove.of(_check_capture(command.body))
        card = command.card()
        hold, others = _open(card, command.item_id, work.now)
        lifecycle.expect(card, lifecycle.LIVE, work.now)
        amount = hold["amount"] if given.amount is None else given.amount
        money.expect_within("amount", amount, most=hold["amount"])
        lifecycle.expect_funds(card, amount, work.now, holds=others)
        changes = {"holds": others}
        entry = work.post(
            card, EntryType.CAPTURE, -amount, changes, hold_id=hold["id"], **given.metadata
        )
        captured = money.amount(amount)
        answer = moved(card, entry, "Hold captured", holdId=hold["id"], amountCaptured=captured)
        return work.commit_answer(answer)

    @idempotent("release {item_id}")
    def release(self, command: Command, work: LedgerWork) -> Answer:
        """Let what was held be free again.

        Raises InvalidRequest, GiftCardNotFound, HoldNotFound.
        """
        given = metadata(_check_release(command.body))
        card = command.card()
        hold, others = _open(card, command.item_id, work.now)
        entry = work.post(
            card,
            EntryType.RELEASE,
            changes={"holds": others},
            hold_id=hold["id"],
            held_amount=-hold["amount"],
            **given,
        )
        released = money.amount(hold["amount"])
        answer = moved(card, entry, "Hold released", holdId=hold["id"], amountReleased=released)
        return work.commit_answer(answer)


def _open(card: CardRecord, hold_id: str, now: datetime) -> tuple[Hold, list[Hold]]:
    """The open hold of that id, and the others. Raises HoldNotFound."""
    holds = lifecycle.open_holds(card, now)
    found = next((hold for hold in holds if hold["id"] == hold_id), None)
    if found is None:
        raise HoldNotFound
    return found, [hold for hold in holds if hold is not found]


def _end(until: datetime | None, card: CardRecord, now: datetime) -> str:
    until = until or now + DEFAULT_HOLD
    if not now < until <= now + LONGEST_HOLD:
        raise InvalidRequest(f"expiresAt must lie within {LONGEST_HOLD.days} days ahead")
    # What is held must be gone by the card's end, or expiry would not be the last word.
    return to_text(min(until, from_text(card.expires_at)))
