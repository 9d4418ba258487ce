"""Moving money from card to card, in one stroke."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.core.ids import new_id
from cardvault.errors import Unprocessable, WrongSecurityCode
from cardvault.giftcards import programs, store
from cardvault.giftcards.fields import AMOUNT, CODE, NUMBER, REMARKS, checker, remarks
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import CardRecord, EntryRecord, EntryType
from cardvault.giftcards.operations.command import Change
from cardvault.giftcards.security.guard import CodeGuard
from cardvault.giftcards.views import Views

_check = checker({"securityCode": CODE, "destinationCardNumber": NUMBER, "amount": AMOUNT}, REMARKS)


@dataclass(frozen=True, slots=True)
class TransferBalance:
    """From a card, whose security code is given, to another of the same program."""

    ledger: Ledger
    views: Views
    guard: CodeGuard

    def __call__(self, change: Change) -> Answer:
        """Move an amount.

        Raises Unprocessable, GiftCardNotFound, ProgramNotFound, WrongSecurityCode,
        TooManyRequests, CardRefused, InsufficientFunds, LimitExceeded, and what `Ledger.post`
        raises.
        """
        wanted = _check(change.body)
        program = programs.owned(change.program_id, change.caller)
        amount = money.minor_units(
            "amount", wanted["amount"], least=money.SMALLEST, most=program.max_transfer
        )
        index = self.ledger.vault.index_of(wanted["destinationCardNumber"])

        def decide(now: datetime) -> Plan:
            source = store.seen(change.program_id, change.card_id, change.caller)
            number, code = self.views.number(source), wanted["securityCode"]
            if not self.guard.admits(number, code, source, change.caller.ip_address):
                raise WrongSecurityCode
            target = store.numbered(change.program_id, index, change.caller)
            if target.card_id == source.card_id:
                raise Unprocessable("destinationCardNumber must be another card")
            lifecycle.expect(source, lifecycle.LIVE, now)
            lifecycle.expect(target, lifecycle.LIVE, now)
            lifecycle.expect_funds(source, amount, now)
            lifecycle.expect_room(target, amount, program.max_balance)
            return self._move(source, target, amount, remarks(wanted), now)

        return self.ledger.post(decide, change.once("transfer"), change.caller.client_id)

    def _move(
        self,
        source: CardRecord,
        target: CardRecord,
        amount: int,
        told: dict[str, Any],
        now: datetime,
    ) -> Plan:
        details = {**told, "transfer_id": new_id(now)}

        def answer(_: Sequence[EntryRecord]) -> Answer:
            return {
                "success": True,
                "message": "Balance transferred",
                "transferId": details["transfer_id"],
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
                "amountTransferred": money.amount(amount),
            }

        out = Posting(source, EntryType.TRANSFER_OUT, -amount, details=details)
        into = Posting(target, EntryType.TRANSFER_IN, amount, details=details)
        return Plan([out, into], answer)
