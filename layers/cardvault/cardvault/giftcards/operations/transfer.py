"""Moving money from card to card, in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from cardvault.core.ids import new_id
from cardvault.errors import InvalidRequest, WrongSecurityCode
from cardvault.giftcards.fields import AMOUNT, CODE, METADATA, NUMBER, checker
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.operations.command import AmountToMove, Command, idempotent
from cardvault.giftcards.security.guard import CodeGuard
from cardvault.giftcards.views import Views

_check = checker(
    {"securityCode": CODE, "destinationCardNumber": NUMBER, "amount": AMOUNT}, METADATA
)


@dataclass(frozen=True, slots=True)
class TransferBalance:
    """From a card, whose security code is given, to another of the same program."""

    ledger: Ledger
    views: Views
    guard: CodeGuard

    @idempotent("transfer")
    def __call__(self, command: Command, work: LedgerWork) -> Answer:
        """Move an amount.

        Raises InvalidRequest, GiftCardNotFound, ProgramNotFound, WrongSecurityCode,
        TooManyRequests, CardRefused, InsufficientFunds, LimitExceeded, and as `idempotent`.
        """
        body = _check(command.body)
        given, target_number = AmountToMove.of(body), body["destinationCardNumber"]
        program = command.program()
        money.expect_within("amount", given.amount, most=program.max_transfer)
        source = command.card()
        number, ip_address = self.views.number(source), command.caller.ip_address
        if not self.guard.admits(number, body["securityCode"], source, ip_address):
            raise WrongSecurityCode
        target = command.card_numbered(self.ledger.vault.indexes_of(target_number))
        if target.card_id == source.card_id:
            raise InvalidRequest("destinationCardNumber must be another card")
        lifecycle.expect(source, lifecycle.LIVE, work.now)
        lifecycle.expect(target, lifecycle.LIVE, work.now)
        lifecycle.expect_funds(source, given.amount, work.now)
        lifecycle.expect_room(target, given.amount, program.max_balance)
        transfer_id = new_id(work.now)
        details = {**given.metadata, "transfer_id": transfer_id}
        work.post(source, EntryType.TRANSFER_OUT, -given.amount, **details)
        work.post(target, EntryType.TRANSFER_IN, given.amount, **details)
        answer = {
            "success": True,
            "message": "Balance transferred",
            "transferId": transfer_id,
            **self._both(source, target, work.now),
            "amountTransferred": money.amount(given.amount),
        }
        return work.commit_answer(answer)

    def _both(self, source: CardRecord, target: CardRecord, now: datetime) -> Answer:
        return {
            "sourceCard": {
                "id": source.card_id,
                "cardNumber": self.views.number(source),
                "remainingBalance": money.amount(source.balance),
                "status": lifecycle.status(source, now).value,
            },
            "destinationCard": {
                "id": target.card_id,
                "cardNumber": self.views.number(target),
                "newBalance": money.amount(target.balance),
            },
        }
