"""Making one card of many, in one stroke."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.core.clock import from_text, to_text
from cardvault.core.ids import new_id
from cardvault.errors import CardRefused, LimitExceeded, Unprocessable
from cardvault.giftcards import programs, store
from cardvault.giftcards.fields import EMAIL, NAME_OF_YOURS, REMARKS, checker, remarks, text
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import CardRecord, EntryRecord, EntryType
from cardvault.giftcards.operations.command import Change
from cardvault.giftcards.operations.issue import NewCard, new_card
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.views import Views

FEWEST, MOST = 2, 10

_check = checker(
    {
        "cardNumbers": {"type": "array", "minItems": FEWEST, "maxItems": MOST},
        "merchantId": NAME_OF_YOURS,
    },
    {
        **REMARKS,
        "customerEmail": EMAIL,
        "customerName": text(255),
        "senderName": text(255),
        "isPhysical": {"type": "boolean"},
        "designTemplate": text(100),
        "customMessage": text(500),
    },
)


@dataclass(frozen=True, slots=True)
class ConsolidateCards:
    """A new active card takes what is on two to ten of one customer; those are void."""

    ledger: Ledger
    views: Views

    def __call__(self, change: Change) -> Answer:
        """Consolidate. The new card expires with the last of the old: nothing expires sooner.

        Raises Unprocessable, GiftCardNotFound, ProgramNotFound, CardRefused, LimitExceeded, and
        what `Ledger.post` raises.
        """
        wanted = _check(change.body)
        program = programs.owned(change.program_id, change.caller)
        numbers = wanted["cardNumbers"]
        if not all(isinstance(number, str) for number in numbers):
            raise Unprocessable("cardNumbers must be texts")
        if len(set(numbers)) < len(numbers):
            raise Unprocessable("cardNumbers must not repeat")
        indexes = [self.ledger.vault.index_of(number) for number in numbers]

        def decide(now: datetime) -> Plan:
            cards = [store.numbered(change.program_id, index, change.caller) for index in indexes]
            total = _total(cards, program, now)
            new = self._new(program, wanted, cards, total, now)
            return self._merge(new, cards, remarks(wanted), now)

        return self.ledger.post(decide, change.once("consolidate"), change.caller.client_id)

    def _new(
        self,
        program: ProgramRecord,
        wanted: dict[str, Any],
        cards: Sequence[CardRecord],
        total: int,
        now: datetime,
    ) -> NewCard:
        first = cards[0]
        new = new_card(
            self.ledger.vault,
            program,
            wanted,
            value=total,
            expires_at=from_text(max(card.expires_at for card in cards)),
            now=now,
        )
        new.card.activated_at = to_text(now)
        new.card.customer_id = first.customer_id
        new.card.customer_phone = first.customer_phone
        new.card.customer_email = new.card.customer_email or first.customer_email
        new.card.customer_name = new.card.customer_name or first.customer_name
        return new

    def _merge(
        self, new: NewCard, cards: Sequence[CardRecord], told: dict[str, Any], now: datetime
    ) -> Plan:
        details = {**told, "transfer_id": new_id(now)}
        total = new.card.initial_value
        gone = {"voided_at": to_text(now), "expiry_watch": None, "holds": None}
        postings = [Posting(new.card, EntryType.CONSOLIDATION, total, details=details)]
        postings += [
            Posting(card, EntryType.CONSOLIDATION, -card.balance, gone, details) for card in cards
        ]

        def answer(entries: Sequence[EntryRecord]) -> Answer:
            return {
                "success": True,
                "message": f"{len(cards)} gift cards consolidated",
                "newCard": self.views.card(new.card, now),
                "voidedCards": [card.card_id for card in cards],
                "totalConsolidatedAmount": money.amount(total),
                "consolidationTransactions": [entry.id for entry in entries],
                "referenceId": told.get("reference_id"),
            }

        return Plan(postings, answer, also=new.take_number)


def _total(cards: Sequence[CardRecord], program: ProgramRecord, now: datetime) -> int:
    """What is on them together, if they may be consolidated. Raises CardRefused, LimitExceeded."""
    for card in cards:
        lifecycle.expect(card, frozenset({Status.ACTIVE}), now)
        if lifecycle.held(card, now):
            raise CardRefused("a gift card with an open hold can not be consolidated")
    if len({(card.customer_id, card.customer_email) for card in cards}) > 1:
        raise CardRefused("the gift cards must be of one customer")
    total = sum(card.balance for card in cards)
    if total > program.max_balance:
        most = money.amount(program.max_balance)
        raise LimitExceeded(f"the balance may be at most {most}", maxBalance=most)
    return total
