"""Issuing gift cards, one or many: pending, and with nothing on them yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.core.clock import to_text
from cardvault.core.ids import new_id
from cardvault.errors import InvalidRequest, LimitExceeded
from cardvault.giftcards import store
from cardvault.giftcards.fields import (
    AMOUNT,
    EMAIL,
    MOMENT,
    NAME_OF_YOURS,
    PHONE,
    Schema,
    checker,
    name,
    optional_moment,
    text,
)
from cardvault.giftcards.ledger import money
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import CardNumberRecord, CardRecord, EntryType
from cardvault.giftcards.operations.command import Command, idempotent
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.security.vault import NumberVault, new_number
from cardvault.giftcards.views import Views
from cardvault.http import schemas

LARGEST_BULK = 500
# A card is three writes (card, number, entry), the key one, and a transaction takes 100.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
CARDS_PER_TRANSACTION = 33

PERSON: Schema = {
    "customerId": NAME_OF_YOURS,
    "customerEmail": EMAIL,
    "customerPhone": PHONE,
    "customerName": name(255),
    "senderName": name(255),
    "customMessage": text(500),
}
_TERMS: Schema = {
    "isPhysical": {"type": "boolean"},
    "designTemplate": text(100),
    "expiresAt": MOMENT,
    "deliverAt": MOMENT,
}
_REQUIRED: Schema = {"initialValue": AMOUNT, "merchantId": NAME_OF_YOURS}
_RECIPIENTS: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": LARGEST_BULK,
    "items": schemas.body({}, PERSON),
}
_check_create = checker(_REQUIRED, {**PERSON, **_TERMS})
_check_bulk = checker(
    _REQUIRED,
    {
        **_TERMS,
        "count": {"type": "integer", "minimum": 1, "maximum": LARGEST_BULK},
        "recipients": _RECIPIENTS,
    },
)
_AS_GIVEN = {
    "merchantId": "merchant_id",
    "customerId": "customer_id",
    "customerEmail": "customer_email",
    "customerPhone": "customer_phone",
    "customerName": "customer_name",
    "senderName": "sender_name",
    "customMessage": "custom_message",
    "designTemplate": "design_template",
    "isPhysical": "is_physical",
}


def card_attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a checked body says of a card, as attributes of the card. Raises InvalidRequest."""
    found = {attribute: given[name] for name, attribute in _AS_GIVEN.items() if name in given}
    deliver_at = optional_moment("deliverAt", given)
    return {**found, "deliver_at": to_text(deliver_at)} if deliver_at else found


def new_card(
    work: LedgerWork,
    vault: NumberVault,
    program: ProgramRecord,
    attributes: Mapping[str, Any],
    *,
    value: int,
    expires_at: datetime,
) -> CardRecord:
    """A pending card of the program, to be posted; the unit of work makes its number its own."""
    card_id, number, created_at = new_id(work.now), _new_number(vault), to_text(work.now)
    uniqueness = CardNumberRecord(f"NUMBER#{vault.index_of(number)}", numbered_card_id=card_id)
    work.save(uniqueness, CardNumberRecord.key.does_not_exist())
    return CardRecord(
        card_id,
        tenant_id=program.tenant_id,
        program_id=program.program_id,
        currency=program.currency,
        sealed_number=vault.seal(number, card_id),
        last_four_digits=number[-4:],
        initial_value=value,
        created_at=created_at,
        updated_at=created_at,
        expires_at=to_text(expires_at),
        expiry_watch=program.program_id,
        **attributes,
    )


def _new_number(vault: NumberVault) -> str:
    """A number that is nobody's under another key than the one in use, while there is one."""
    while True:
        number = new_number()
        others = vault.indexes_of(number)[:-1]
        if not any(store.number_record(index) for index in others):
            return number


@dataclass(frozen=True, slots=True)
class CardTerms:
    """What to issue: the value in minor units, the end if it is named, and other attributes."""

    value: int
    expires_at: datetime | None
    attributes: Mapping[str, Any]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "CardTerms":
        """From a checked body. Raises InvalidRequest."""
        value = money.minor_units("initialValue", given["initialValue"])
        return cls(value, optional_moment("expiresAt", given), card_attributes(given))


@dataclass(frozen=True, slots=True)
class IssueCards:
    """Makes cards of a program."""

    ledger: Ledger
    views: Views

    @idempotent("create")
    def create(self, command: Command, work: LedgerWork) -> Answer:
        """One card.

        Raises InvalidRequest, ProgramNotFound, LimitExceeded, and as `idempotent`.
        """
        terms = CardTerms.of(_check_create(command.body))
        (card,) = self._issue(work, command.program(), terms, [{}])
        return work.commit_answer(self.views.card(card, work.now))

    def bulk(self, command: Command) -> Answer:
        """Up to LARGEST_BULK cards.

        They are written some at a time, each time under a key of its own: a repeat after a crash
        finds those that are there and makes the others. Raises as `create`.
        """
        given = _check_bulk(command.body)
        terms, holders, issued = CardTerms.of(given), _holders(given), []
        for first in range(0, len(holders), CARDS_PER_TRANSACTION):
            some = holders[first : first + CARDS_PER_TRANSACTION]
            issued += self._some(command, terms=terms, holders=some, first=first)["cards"]
        return {"issuedCount": len(issued), "failedCount": 0, "cards": issued}

    @idempotent("bulk {first}")
    def _some(
        self,
        command: Command,
        work: LedgerWork,
        *,
        terms: CardTerms,
        holders: Sequence[Mapping[str, Any]],
        first: int,  # noqa: ARG002 - names the action
    ) -> Answer:
        cards = self._issue(work, command.program(), terms, holders)
        return work.commit_answer({"cards": [self._brief(card) for card in cards]})

    def _issue(
        self,
        work: LedgerWork,
        program: ProgramRecord,
        terms: CardTerms,
        holders: Sequence[Mapping[str, Any]],
    ) -> list[CardRecord]:
        expires_at = _expiry(program, terms, work.now)
        cards = []
        for holder in holders:
            card = new_card(
                work,
                self.ledger.vault,
                program,
                {**terms.attributes, **holder},
                value=terms.value,
                expires_at=expires_at,
            )
            work.post(card, EntryType.PURCHASE)
            cards.append(card)
        return cards

    def _brief(self, card: CardRecord) -> dict[str, Any]:
        number = self.views.number(card)
        return {"id": card.card_id, "cardNumber": number, "lastFourDigits": number[-4:]}


def _expiry(program: ProgramRecord, terms: CardTerms, now: datetime) -> datetime:
    """The end of cards of these terms, if the program allows them.

    Raises InvalidRequest, LimitExceeded.
    """
    if terms.value > program.max_initial_value:
        most = money.amount(program.max_initial_value)
        raise LimitExceeded(f"initialValue may be at most {most}", maxInitialValue=most)
    if terms.expires_at is None:
        return now + program.default_life
    if terms.expires_at <= now:
        raise InvalidRequest("expiresAt must lie ahead")
    if terms.expires_at > now + program.longest_life:
        raise LimitExceeded(f"expiresAt may lie at most {program.max_expiry_days} days ahead")
    return terms.expires_at


def _holders(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attributes of each card's holder. Raises InvalidRequest."""
    if ("count" in given) == ("recipients" in given):
        raise InvalidRequest("either count or recipients is required")
    if "count" in given:
        return [{}] * given["count"]
    return [card_attributes(person) for person in given["recipients"]]
