"""The rules of a gift card's life, as pure functions of its facts and the time.

    pending --activate--> active --to zero--> depleted --money back--> active
    active, depleted --suspend--> suspended --unsuspend, or its end--> as before
    any but voided --its moment--> expired --extend--> as before
    any but voided --void, consolidate--> voided, for good

Nothing has to run for a status to be right: it is worked out at each reading.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardvault.core.clock import from_text, to_text
from cardvault.errors import CardRefused, InsufficientFunds, LimitExceeded
from cardvault.giftcards.ledger.money import amount
from cardvault.giftcards.ledger.records import CardRecord

Hold = dict[str, Any]


class Status(StrEnum):
    """Where a gift card stands."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    VOIDED = "voided"
    DEPLETED = "depleted"


# What makes one that is refused take money, or give it, again.
_WAYS_OUT = {
    Status.PENDING: "; activate it first",
    Status.SUSPENDED: "; unsuspend it first",
    Status.EXPIRED: "; extend it first, by process-expired",
}
# A depleted card lives: what is asked of it fails for want of funds, which says more.
LIVE = frozenset({Status.ACTIVE, Status.DEPLETED})
CREDITABLE = LIVE | {Status.SUSPENDED}
VOIDABLE = frozenset(Status) - {Status.VOIDED}


def status(card: CardRecord, now: datetime) -> Status:
    """The status as of now: of several that fit, the one that forbids the most."""
    if card.voided_at is not None:
        return Status.VOIDED
    if now >= from_text(card.expires_at):
        return Status.EXPIRED
    if card.activated_at is None:
        return Status.PENDING
    if is_suspended(card, now):
        return Status.SUSPENDED
    return Status.ACTIVE if card.balance > 0 else Status.DEPLETED


def is_suspended(card: CardRecord, now: datetime) -> bool:
    """Whether a suspension holds now; one with an end lifts by itself at that moment."""
    if card.suspended_at is None:
        return False
    return card.suspended_until is None or now < from_text(card.suspended_until)


def open_holds(card: CardRecord, now: datetime) -> list[Hold]:
    """The holds that still keep money back: `{"id", "amount", "expiresAt"}` each."""
    if card.voided_at is not None:
        return []
    holds: Sequence[Hold] = card.holds or ()
    return [hold for hold in holds if now < from_text(hold["expiresAt"])]


def held(card: CardRecord, now: datetime) -> int:
    """Minor units that open holds keep back."""
    return _total(open_holds(card, now))


def available(card: CardRecord, now: datetime) -> int:
    """Minor units that can be spent now: the balance less what is held."""
    return _left(card, open_holds(card, now))


def _total(holds: Sequence[Hold]) -> int:
    return sum(hold["amount"] for hold in holds)


def _left(card: CardRecord, holds: Sequence[Hold]) -> int:
    # A hold that is open here may be over by the clock of a machine that spent what it kept back.
    return max(0, card.balance - _total(holds))


def voiding(now: datetime) -> dict[str, Any]:
    """What changes on a card that is voided: it is watched no more, and its holds are over."""
    return {"voided_at": to_text(now), "expiry_watch": None, "holds": None}


def expect(card: CardRecord, allowed: frozenset[Status], now: datetime) -> Status:
    """The card's status, if it is one of these. Raises CardRefused, naming it, otherwise."""
    found = status(card, now)
    if found not in allowed:
        way_out = _WAYS_OUT.get(found, "")
        raise CardRefused(f"the gift card is {found}{way_out}", status=found.value)
    return found


def expect_funds(
    card: CardRecord, wanted: int, now: datetime, *, holds: Sequence[Hold] | None = None
) -> None:
    """Raises InsufficientFunds, with what is available, when it is less than `wanted`.

    `holds` are those that keep something back, all open ones unless given.
    """
    there = _left(card, open_holds(card, now) if holds is None else holds)
    if wanted > there:
        raise InsufficientFunds(
            f"Insufficient funds: {amount(there)} {card.currency} available",
            available=amount(there),
            balance=amount(card.balance),
            requested=amount(wanted),
        )


def expect_room(card: CardRecord, more: int, max_balance: int) -> None:
    """Raises LimitExceeded, with the room that is left, when the balance would pass the limit."""
    room = max(0, max_balance - card.balance)
    if more > room:
        raise LimitExceeded(
            f"The balance may be at most {amount(max_balance)} {card.currency}",
            currentBalance=amount(card.balance),
            maxBalance=amount(max_balance),
            availableReloadAmount=amount(room),
        )
