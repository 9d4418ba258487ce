"""Spending: redemption, and its refund."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist

from cardvault.errors import CardRefused, LimitExceeded
from cardvault.giftcards import programs, store
from cardvault.giftcards.fields import AMOUNT, POS_REMARKS, checker, remarks, text
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import (
    CardRecord,
    EntryRecord,
    EntryType,
    RefundMark,
    refund_key,
)
from cardvault.giftcards.operations.command import Change

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite

REFUNDABLE = frozenset({EntryType.REDEMPTION, EntryType.CAPTURE})

_check_redeem = checker({"amount": AMOUNT}, POS_REMARKS)
_check_refund = checker({}, {"amount": AMOUNT, "reason": text(500), "posTransactionId": text(100)})


@dataclass(frozen=True, slots=True)
class SpendFromCards:
    """Each raises as it says, and as `Ledger.post`."""

    ledger: Ledger

    def redeem(self, change: Change) -> Answer:
        """Take an amount off an active card, all of it or nothing.

        Raises Unprocessable, GiftCardNotFound, CardRefused, InsufficientFunds.
        """
        wanted = _check_redeem(change.body)
        amount = money.minor_units("amount", wanted["amount"], least=money.SMALLEST)

        def decide(now: datetime) -> Plan:
            card = store.seen(change.program_id, change.card_id, change.caller)
            lifecycle.expect(card, lifecycle.LIVE, now)
            lifecycle.expect_funds(card, amount, now)
            posting = Posting(card, EntryType.REDEMPTION, -amount, details=remarks(wanted))
            told = {"amountRedeemed": money.amount(amount)}
            return Plan([posting], lambda done: moved(card, done, told, "Gift card redeemed"))

        return self.ledger.post(decide, change.once("redeem"), change.caller.client_id)

    def refund(self, change: Change) -> Answer:
        """Give back what a redemption or capture took, all that is left of it or a part.

        Raises Unprocessable, GiftCardNotFound, TransactionNotFound, ProgramNotFound, CardRefused,
        LimitExceeded.
        """
        wanted = _check_refund(change.body)
        program = programs.owned(change.program_id, change.caller)
        details = {**remarks(wanted), "related_transaction_id": change.item_id}

        def decide(now: datetime) -> Plan:
            card = store.seen(change.program_id, change.card_id, change.caller)
            taken = store.entry(card.card_id, change.item_id)
            if taken.transaction_type not in REFUNDABLE:
                raise CardRefused(f"a {taken.transaction_type} can not be refunded")
            lifecycle.expect(card, lifecycle.CREDITABLE, now)
            mark = _refunds(taken)
            amount = _refund_amount(wanted, -taken.amount - mark.refunded)
            lifecycle.expect_room(card, amount, program.max_balance)
            mark.refunded += amount

            def keep_count(transaction: "TransactWrite") -> None:
                # No condition of its own: it was read after the card, which has one.
                transaction.save(mark)

            posting = Posting(card, EntryType.REFUND, amount, details=details)
            told = {"refundedAmount": money.amount(amount)}
            return Plan(
                [posting],
                lambda done: moved(card, done, told, "Transaction refunded"),
                also=keep_count,
            )

        once = change.once(f"refund {change.item_id}")
        return self.ledger.post(decide, once, change.caller.client_id)


def moved(
    card: CardRecord, entries: Sequence[EntryRecord], told: dict[str, Any], message: str
) -> Answer:
    """The answer to a move on one card."""
    return {
        "transactionId": entries[0].id,
        "giftCardId": card.card_id,
        **told,
        "remainingBalance": money.amount(card.balance),
        "success": True,
        "message": message,
    }


def _refunds(taken: EntryRecord) -> RefundMark:
    key = refund_key(taken.seq)
    try:
        return RefundMark.get(taken.card_id, key, consistent_read=True)
    except DoesNotExist:
        return RefundMark(taken.card_id, key, refunded=0)


def _refund_amount(wanted: dict[str, Any], left: int) -> int:
    if left <= 0:
        raise LimitExceeded("the transaction is refunded already", refundable=money.amount(0))
    if "amount" not in wanted:
        return left
    amount = money.minor_units("amount", wanted["amount"], least=money.SMALLEST)
    if amount > left:
        there = money.amount(left)
        raise LimitExceeded(f"at most {there} of it can be refunded", refundable=there)
    return amount
