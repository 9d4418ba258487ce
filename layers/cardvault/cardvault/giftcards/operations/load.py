"""Money onto a card: activation and reload."""

from dataclasses import dataclass, replace

from cardvault.core.clock import to_text
from cardvault.errors import CardAltered, WrongSecurityCode
from cardvault.giftcards import store
from cardvault.giftcards.fields import (
    AMOUNT,
    CODE,
    EMAIL,
    METADATA,
    NAME_OF_YOURS,
    NUMBER,
    PHONE,
    checker,
    name,
)
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.idempotency import Answer
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.operations.command import AmountToMove, Command, idempotent
from cardvault.giftcards.operations.issue import card_attributes
from cardvault.giftcards.security.guard import CodeGuard
from cardvault.giftcards.views import Views
from cardvault.http.fields import idempotency_key

_check_activate = checker(
    {},
    {
        "customerId": NAME_OF_YOURS,
        "customerEmail": EMAIL,
        "customerPhone": PHONE,
        "customerName": name(255),
        "securityCode": CODE,
    },
)
_check_reload = checker({"amount": AMOUNT}, METADATA)
_check_reload_by_number = checker({"cardNumber": NUMBER, "amount": AMOUNT}, METADATA)


@dataclass(frozen=True, slots=True)
class LoadCards:
    """Each raises as it says, and as `idempotent`."""

    ledger: Ledger
    views: Views
    guard: CodeGuard

    @idempotent("activate")
    def activate(self, command: Command, work: LedgerWork) -> Answer:
        """A pending card comes alive with its initial value on it.

        Nothing but the card says what that is, so it must be as its last entry left it. A holder
        who activates it proves the security code. Raises InvalidRequest, GiftCardNotFound,
        ProgramNotFound, CardRefused, LimitExceeded, WrongSecurityCode, TooManyRequests,
        CardAltered.
        """
        given = _check_activate(command.body)
        holder, code = card_attributes(given), given.get("securityCode")
        program, card = command.program(), command.card()
        lifecycle.expect(card, frozenset({Status.PENDING}), work.now)
        _expect_unaltered(card)
        lifecycle.expect_room(card, card.initial_value, program.max_balance)
        if code is not None:
            self._expect_code(card, code, command.caller.ip_address)
        changes = {"activated_at": to_text(work.now), **holder}
        work.post(card, EntryType.ACTIVATION, card.initial_value, changes)
        return work.commit_answer(self.views.card(card, work.now))

    def _expect_code(self, card: CardRecord, code: str, ip_address: str | None) -> None:
        if not self.guard.admits(self.views.number(card), code, card, ip_address):
            raise WrongSecurityCode

    def reload(self, command: Command) -> Answer:
        """More money for an active or depleted card.

        Raises InvalidRequest, GiftCardNotFound, ProgramNotFound, CardRefused, LimitExceeded.
        """
        return self._reload(command, AmountToMove.of(_check_reload(command.body)))

    def reload_by_number(self, command: Command) -> Answer:
        """As `reload`, the card named by its number."""
        idempotency_key(command.key)  # before the card is looked for, as everywhere
        body = _check_reload_by_number(command.body)
        card = command.card_numbered(self.ledger.vault.indexes_of(body["cardNumber"]))
        return self._reload(replace(command, card_id=card.card_id), AmountToMove.of(body))

    @idempotent("reload")
    def _reload(self, command: Command, work: LedgerWork, given: AmountToMove) -> Answer:
        program = command.program()
        money.expect_within("amount", given.amount, most=program.max_reload)
        card = command.card()
        lifecycle.expect(card, lifecycle.LIVE, work.now)
        lifecycle.expect_room(card, given.amount, program.max_balance)
        details = {"description": "Gift card reload", **given.metadata}
        work.post(card, EntryType.RELOAD, given.amount, **details)
        return work.commit_answer(self.views.card(card, work.now))


def _expect_unaltered(card: CardRecord) -> None:
    last = store.last_entry(card)
    if last is None or last.hash != card.entry_hash or last.hash != last.computed_hash():
        raise CardAltered
    if last.card_hash not in {None, card.state_hash}:
        raise CardAltered
