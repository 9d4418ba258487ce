"""Making one card of many, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.core.clock import from_text, to_text
from cardvault.core.ids import new_id
from cardvault.errors import CardRefused, LimitExceeded
from cardvault.giftcards.fields import (
    EMAIL,
    METADATA,
    NAME_OF_YOURS,
    NUMBER,
    checker,
    metadata,
    name,
    text,
)
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.operations.command import Command, idempotent
from cardvault.giftcards.operations.issue import card_attributes, new_card
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.views import Views

FEWEST, MOST = 2, 10

_check = checker(
    {
        "cardNumbers": {
            "type": "array",
            "minItems": FEWEST,
            "maxItems": MOST,
            "uniqueItems": True,
            "items": NUMBER,
        },
        "merchantId": NAME_OF_YOURS,
    },
    {
        **METADATA,
        "customerEmail": EMAIL,
        "customerName": name(255),
        "senderName": name(255),
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

    @idempotent("consolidate")
    def __call__(self, command: Command, work: LedgerWork) -> Answer:
        """Consolidate. The new card expires with the last of the old: nothing expires sooner.

        Raises InvalidRequest, GiftCardNotFound, ProgramNotFound, CardRefused, LimitExceeded, and
        as `idempotent`.
        """
        body = _check(command.body)
        said, vault, program = metadata(body), self.ledger.vault, command.program()
        cards = [command.card_numbered(vault.indexes_of(number)) for number in body["cardNumbers"]]
        total = _total(cards, program, work.now)
        new = new_card(
            work,
            vault,
            program,
            {**_holder(cards[0]), **card_attributes(body), "activated_at": to_text(work.now)},
            value=total,
            expires_at=from_text(max(card.expires_at for card in cards)),
        )
        details = {**said, "transfer_id": new_id(work.now)}
        entries = [work.post(new, EntryType.CONSOLIDATION, total, **details)]
        for card in cards:
            changes = lifecycle.voiding(work.now)
            entries.append(
                work.post(card, EntryType.CONSOLIDATION, -card.balance, changes, **details)
            )
        answer = {
            "success": True,
            "message": f"{len(cards)} gift cards consolidated",
            "newCard": self.views.card(new, work.now),
            "voidedCards": [card.card_id for card in cards],
            "totalConsolidatedAmount": money.amount(total),
            "consolidationTransactions": [entry.id for entry in entries],
            "referenceId": said.get("reference_id"),
        }
        return work.commit_answer(answer)


def _holder(card: CardRecord) -> Mapping[str, Any]:
    return {
        "customer_id": card.customer_id,
        "customer_phone": card.customer_phone,
        "customer_email": card.customer_email,
        "customer_name": card.customer_name,
    }


def _total(cards: Sequence[CardRecord], program: ProgramRecord, now: datetime) -> int:
    """What is on them together, if they may be consolidated. Raises CardRefused, LimitExceeded."""
    for card in cards:
        lifecycle.expect(card, frozenset({Status.ACTIVE}), now)
        if lifecycle.held(card, now):
            raise CardRefused("a gift card with an open hold cannot be consolidated")
    if len({(card.customer_id, card.customer_email) for card in cards}) > 1:
        raise CardRefused("the gift cards must be of one customer")
    total = sum(card.balance for card in cards)
    if total > program.max_balance:
        most = money.amount(program.max_balance)
        raise LimitExceeded(f"the balance may be at most {most}", maxBalance=most)
    return total
