"""Holds: authorize now, capture later, all or a part or nothing. Time alone ends one, too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cardvault.core.clock import from_text, to_text
from cardvault.core.ids import new_id
from cardvault.errors import HoldNotFound, LimitExceeded, Unprocessable
from cardvault.giftcards import store
from cardvault.giftcards.fields import AMOUNT, MOMENT, POS_REMARKS, checker, moment, remarks, text
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.lifecycle import Hold
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import CardRecord, EntryRecord, EntryType
from cardvault.giftcards.operations.command import Change
from cardvault.giftcards.operations.spend import moved

DEFAULT_HOLD = timedelta(days=7)
LONGEST_HOLD = timedelta(days=30)
MOST_HOLDS = 20

_check_authorize = checker({"amount": AMOUNT}, {**POS_REMARKS, "expiresAt": MOMENT})
_check_capture = checker({}, {"amount": AMOUNT, **POS_REMARKS})
_check_release = checker({}, {"reason": text(500)})


@dataclass(frozen=True, slots=True)
class HoldMoney:
    """Each raises as it says, and as `Ledger.post`."""

    ledger: Ledger

    def authorize(self, change: Change) -> Answer:
        """Keep an amount back, until the hold expires or is captured or released.

        Raises Unprocessable, GiftCardNotFound, CardRefused, InsufficientFunds, LimitExceeded.
        """
        wanted = _check_authorize(change.body)
        amount = money.minor_units("amount", wanted["amount"], least=money.SMALLEST)

        def decide(now: datetime) -> Plan:
            card = store.seen(change.program_id, change.card_id, change.caller)
            lifecycle.expect(card, lifecycle.LIVE, now)
            lifecycle.expect_funds(card, amount, now)
            holds = lifecycle.open_holds(card, now)
            if len(holds) >= MOST_HOLDS:
                raise LimitExceeded(f"a gift card takes at most {MOST_HOLDS} open holds")
            expires_at = _end(wanted.get("expiresAt"), card, now)
            hold: Hold = {"id": new_id(now), "amount": amount, "expiresAt": expires_at}
            details = {
                **remarks(wanted),
                "hold_id": hold["id"],
                "held_amount": amount,
                "until": expires_at,
            }
            posting = Posting(card, EntryType.HOLD, 0, {"holds": [*holds, hold]}, details)
            return Plan([posting], lambda done: _held(card, hold, done, now))

        return self.ledger.post(decide, change.once("hold"), change.caller.client_id)

    def capture(self, change: Change) -> Answer:
        """Take what was held, or a part of it; the rest is free again.

        Raises Unprocessable, GiftCardNotFound, HoldNotFound, CardRefused.
        """
        wanted = _check_capture(change.body)

        def decide(now: datetime) -> Plan:
            card = store.seen(change.program_id, change.card_id, change.caller)
            hold, others = _open(card, change.item_id, now)
            lifecycle.expect(card, lifecycle.LIVE, now)
            amount = hold["amount"]
            if "amount" in wanted:
                amount = money.minor_units(
                    "amount", wanted["amount"], least=money.SMALLEST, most=amount
                )
            details = {**remarks(wanted), "hold_id": hold["id"]}
            posting = Posting(card, EntryType.CAPTURE, -amount, {"holds": others}, details)
            told = {"holdId": hold["id"], "amountCaptured": money.amount(amount)}
            return Plan([posting], lambda done: moved(card, done, told, "Hold captured"))

        once = change.once(f"capture {change.item_id}")
        return self.ledger.post(decide, once, change.caller.client_id)

    def release(self, change: Change) -> Answer:
        """Let what was held be free again. Raises Unprocessable, GiftCardNotFound, HoldNotFound."""
        wanted = _check_release(change.body)

        def decide(now: datetime) -> Plan:
            card = store.seen(change.program_id, change.card_id, change.caller)
            hold, others = _open(card, change.item_id, now)
            details = {**remarks(wanted), "hold_id": hold["id"], "held_amount": -hold["amount"]}
            posting = Posting(card, EntryType.RELEASE, 0, {"holds": others}, details)
            told = {"holdId": hold["id"], "amountReleased": money.amount(hold["amount"])}
            return Plan([posting], lambda done: moved(card, done, told, "Hold released"))

        once = change.once(f"release {change.item_id}")
        return self.ledger.post(decide, once, change.caller.client_id)


def _held(card: CardRecord, hold: Hold, entries: Sequence[EntryRecord], now: datetime) -> Answer:
    told = {
        "holdId": hold["id"],
        "amountHeld": money.amount(hold["amount"]),
        "availableBalance": money.amount(lifecycle.available(card, now)),
        "expiresAt": hold["expiresAt"],
    }
    return moved(card, entries, told, "Amount held")


def _open(card: CardRecord, hold_id: str, now: datetime) -> tuple[Hold, list[Hold]]:
    holds = lifecycle.open_holds(card, now)
    found = next((hold for hold in holds if hold["id"] == hold_id), None)
    if found is None:
        raise HoldNotFound
    return found, [hold for hold in holds if hold is not found]


def _end(raw: str | None, card: CardRecord, now: datetime) -> str:
    wanted = moment("expiresAt", raw) if raw is not None else now + DEFAULT_HOLD
    if not now < wanted <= now + LONGEST_HOLD:
        raise Unprocessable(f"expiresAt must lie within {LONGEST_HOLD.days} days ahead")
    # What is held must be gone by the card's end, or expiry would not be the last word.
    return to_text(min(wanted, from_text(card.expires_at)))
