"""Spending: redemption, and its refund."""

from dataclasses import dataclass
from typing import Any

from pynamodb.exceptions import DoesNotExist

from cardvault.errors import CardRefused, LimitExceeded
from cardvault.giftcards import store
from cardvault.giftcards.fields import AMOUNT, POS_METADATA, checker, text
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import (
    CardRecord,
    EntryRecord,
    EntryType,
    RefundTotal,
    refund_key,
)
from cardvault.giftcards.operations.command import AmountToMove, Command, PartToMove, idempotent

REFUNDABLE = frozenset({EntryType.REDEMPTION, EntryType.CAPTURE})

_check_redeem = checker({"amount": AMOUNT}, POS_METADATA)
_check_refund = checker({}, {"amount": AMOUNT, "reason": text(500), "posTransactionId": text(100)})


@dataclass(frozen=True, slots=True)
class SpendFromCards:
    """Each raises as it says, and as `idempotent`."""

    ledger: Ledger

    @idempotent("redeem")
    def redeem(self, command: Command, work: LedgerWork) -> Answer:
        """Take an amount off an active card, all of it or nothing.

        Raises InvalidRequest, GiftCardNotFound, CardRefused, InsufficientFunds.
        """
        given = AmountToMove.of(_check_redeem(command.body))
        card = command.card()
        lifecycle.expect(card, lifecycle.LIVE, work.now)
        lifecycle.expect_funds(card, given.amount, work.now)
        entry = work.post(card, EntryType.REDEMPTION, -given.amount, **given.metadata)
        redeemed = money.amount(given.amount)
        answer = moved(card, entry, "Gift card redeemed", amountRedeemed=redeemed)
        return work.commit_answer(answer)

    @idempotent("refund {item_id}")
    def refund(self, command: Command, work: LedgerWork) -> Answer:
        """Give back what a redemption or capture took, all that is left of it or a part.

        Raises InvalidRequest, GiftCardNotFound, TransactionNotFound, ProgramNotFound, CardRefused,
        LimitExceeded.
        """
        given = PartToMove.of(_check_refund(command.body))
        program, card = command.program(), command.card()
        taken = store.entry(card.card_id, command.item_id)
        if taken.transaction_type not in REFUNDABLE:
            raise CardRefused(f"a {taken.transaction_type} cannot be refunded")
        lifecycle.expect(card, lifecycle.CREDITABLE, work.now)
        total = _refund_total(taken)
        amount = _refundable(given.amount, -taken.amount - total.refunded)
        lifecycle.expect_room(card, amount, program.max_balance)
        total.refunded += amount
        # No condition of its own: it was read after the card, which has one.
        work.save(total)
        entry = work.post(
            card, EntryType.REFUND, amount, related_transaction_id=taken.id, **given.metadata
        )
        refunded = money.amount(amount)
        answer = moved(card, entry, "Transaction refunded", refundedAmount=refunded)
        return work.commit_answer(answer)


def moved(card: CardRecord, entry: EntryRecord, message: str, **said: Any) -> Answer:
    """The answer to a move on one card; `said` is what else the answer says."""
    return {
        "transactionId": entry.id,
        "giftCardId": card.card_id,
        **said,
        "remainingBalance": money.amount(card.balance),
        "success": True,
        "message": message,
    }


def _refund_total(taken: EntryRecord) -> RefundTotal:
    key = refund_key(taken.seq)
    try:
        return RefundTotal.get(taken.card_id, key, consistent_read=True)
    except DoesNotExist:
        return RefundTotal(taken.card_id, key, refunded=0)


def _refundable(part: int | None, left: int) -> int:
    """The part, or all that is left. Raises LimitExceeded."""
    there = money.amount(left)
    if left <= 0:
        raise LimitExceeded("the transaction is refunded already", refundable=money.amount(0))
    if part is not None and part > left:
        raise LimitExceeded(f"at most {there} of it can be refunded", refundable=there)
    return left if part is None else part
