"""Issuing gift cards, one or many: pending, and with nothing on them yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cardvault.core.clock import to_text
from cardvault.core.ids import new_id
from cardvault.errors import LimitExceeded, Unprocessable
from cardvault.giftcards import programs
from cardvault.giftcards.fields import (
    AMOUNT,
    EMAIL,
    MOMENT,
    NAME_OF_YOURS,
    PHONE,
    Schema,
    checker,
    moment,
    text,
)
from cardvault.giftcards.ledger import money
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import CardRecord, EntryType, NumberMark
from cardvault.giftcards.operations.command import Change
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.security.vault import NumberVault, new_number
from cardvault.giftcards.views import Views

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite

LARGEST_BULK = 500
# A card is three writes (card, number, entry), the key one, and a transaction takes 100.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
CARDS_PER_TRANSACTION = 33

PERSON: Schema = {
    "customerId": NAME_OF_YOURS,
    "customerEmail": EMAIL,
    "customerPhone": PHONE,
    "customerName": text(255),
    "senderName": text(255),
    "customMessage": text(500),
}
_TERMS: Schema = {
    "isPhysical": {"type": "boolean"},
    "designTemplate": text(100),
    "expiresAt": MOMENT,
    "deliverAt": MOMENT,
}
_REQUIRED: Schema = {"initialValue": AMOUNT, "merchantId": NAME_OF_YOURS}
_check_create = checker(_REQUIRED, {**PERSON, **_TERMS})
_check_bulk = checker(
    _REQUIRED,
    {
        **_TERMS,
        "count": {"type": "integer", "minimum": 1, "maximum": LARGEST_BULK},
        "recipients": {"type": "array", "minItems": 1, "maxItems": LARGEST_BULK},
    },
)
_check_recipient = checker({}, PERSON)
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


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card not yet written, and the number it takes."""

    card: CardRecord
    number_index: str

    def take_number(self, transaction: "TransactWrite") -> None:
        """Make the number this card's; the transaction fails if it is another's already."""
        mark = NumberMark(f"NUMBER#{self.number_index}", numbered_card_id=self.card.card_id)
        transaction.save(mark, condition=NumberMark.key.does_not_exist())


def new_card(
    vault: NumberVault,
    program: ProgramRecord,
    wanted: dict[str, Any],
    *,
    value: int,
    expires_at: datetime,
    now: datetime,
) -> NewCard:
    """A pending card of the program, from a checked body. Raises Unprocessable."""
    card_id, number = new_id(now), new_number()
    deliver_at = moment("deliverAt", wanted["deliverAt"]) if "deliverAt" in wanted else None
    card = CardRecord(
        card_id,
        tenant_id=program.tenant_id,
        program_id=program.program_id,
        currency=program.currency,
        sealed_number=vault.seal(number, card_id),
        last_four_digits=number[-4:],
        initial_value=value,
        created_at=to_text(now),
        updated_at=to_text(now),
        expires_at=to_text(expires_at),
        expiry_watch=program.program_id,
        deliver_at=to_text(deliver_at) if deliver_at else None,
        **{attribute: wanted[name] for name, attribute in _AS_GIVEN.items() if name in wanted},
    )
    return NewCard(card, vault.index_of(number))


@dataclass(frozen=True, slots=True)
class IssueCards:
    """Makes cards of a program."""

    ledger: Ledger
    views: Views

    def create(self, change: Change) -> Answer:
        """One card.

        Raises Unprocessable, ProgramNotFound, LimitExceeded, and what `Ledger.post` raises.
        """
        program, wanted, value = _wanted(change, _check_create)

        def decide(now: datetime) -> Plan:
            new = self._new(program, wanted, value, now)
            return Plan(
                [Posting(new.card, EntryType.PURCHASE)],
                lambda _: self.views.card(new.card, now),
                also=new.take_number,
            )

        return self.ledger.post(decide, change.once("create"), change.caller.client_id)

    def bulk(self, change: Change) -> Answer:
        """Up to LARGEST_BULK cards.

        They are written some at a time, each time under a key of its own: a repeat after a crash
        finds those that are there and makes the others. Raises as `create`.
        """
        program, wanted, value = _wanted(change, _check_bulk)
        holders, issued = _holders(wanted), []
        for first in range(0, len(holders), CARDS_PER_TRANSACTION):
            some = holders[first : first + CARDS_PER_TRANSACTION]
            once = change.once(f"bulk {first}")
            plan = self._some(program, wanted, value, some)
            issued += self.ledger.post(plan, once, change.caller.client_id)["cards"]
        return {"issuedCount": len(issued), "failedCount": 0, "cards": issued}

    def _some(
        self,
        program: ProgramRecord,
        wanted: dict[str, Any],
        value: int,
        holders: Sequence[dict[str, Any]],
    ) -> Callable[[datetime], Plan]:
        def decide(now: datetime) -> Plan:
            made = [self._new(program, {**wanted, **holder}, value, now) for holder in holders]

            def take_numbers(transaction: "TransactWrite") -> None:
                for new in made:
                    new.take_number(transaction)

            postings = [Posting(new.card, EntryType.PURCHASE) for new in made]
            cards = [self._brief(new.card) for new in made]
            return Plan(postings, lambda _: {"cards": cards}, also=take_numbers)

        return decide

    def _new(
        self, program: ProgramRecord, wanted: dict[str, Any], value: int, now: datetime
    ) -> NewCard:
        expires_at = _expiry(program, wanted, now)
        vault = self.ledger.vault
        return new_card(vault, program, wanted, value=value, expires_at=expires_at, now=now)

    def _brief(self, card: CardRecord) -> dict[str, Any]:
        number = self.views.number(card)
        return {"id": card.card_id, "cardNumber": number, "lastFourDigits": number[-4:]}


def _wanted(
    change: Change, check: Callable[[Any], dict[str, Any]]
) -> tuple[ProgramRecord, dict[str, Any], int]:
    wanted = check(change.body)
    value = money.minor_units("initialValue", wanted["initialValue"], least=money.SMALLEST)
    program = programs.owned(change.program_id, change.caller)
    if value > program.max_initial_value:
        most = money.amount(program.max_initial_value)
        raise LimitExceeded(f"initialValue may be at most {most}", maxInitialValue=most)
    return program, wanted, value


def _expiry(program: ProgramRecord, wanted: dict[str, Any], now: datetime) -> datetime:
    if "expiresAt" not in wanted:
        return now + program.default_life
    found = moment("expiresAt", wanted["expiresAt"])
    if found <= now:
        raise Unprocessable("expiresAt must lie ahead")
    if found > now + program.longest_life:
        raise LimitExceeded(f"expiresAt may lie at most {program.max_expiry_days} days ahead")
    return found


def _holders(wanted: dict[str, Any]) -> list[dict[str, Any]]:
    if ("count" in wanted) == ("recipients" in wanted):
        raise Unprocessable("either count or recipients is required")
    if "count" in wanted:
        return [{}] * wanted["count"]
    people = wanted["recipients"]
    if not all(isinstance(person, dict) for person in people):
        raise Unprocessable("recipients must be objects")
    return [_check_recipient(person) for person in people]
