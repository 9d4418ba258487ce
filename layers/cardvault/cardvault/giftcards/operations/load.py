"""Putting money on a card: activation and reload."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.core.clock import to_text
from cardvault.errors import WrongSecurityCode
from cardvault.giftcards import programs, store
from cardvault.giftcards.fields import (
    AMOUNT,
    CODE,
    EMAIL,
    NAME_OF_YOURS,
    NUMBER,
    PHONE,
    REMARKS,
    checker,
    remarks,
    text,
)
from cardvault.giftcards.ledger import lifecycle, money
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import Answer, Ledger, Plan, Posting
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.operations.command import Change
from cardvault.giftcards.security.guard import CodeGuard
from cardvault.giftcards.views import Views

_check_activate = checker(
    {},
    {
        "customerId": NAME_OF_YOURS,
        "customerEmail": EMAIL,
        "customerPhone": PHONE,
        "customerName": text(255),
        "securityCode": CODE,
    },
)
_check_reload = checker({"amount": AMOUNT}, REMARKS)
_check_reload_by_number = checker({"cardNumber": NUMBER, "amount": AMOUNT}, REMARKS)
_HOLDER = {
    "customerId": "customer_id",
    "customerEmail": "customer_email",
    "customerPhone": "customer_phone",
    "customerName": "customer_name",
}


@dataclass(frozen=True, slots=True)
class LoadCards:
    """Each raises as it says, and as `Ledger.post`."""

    ledger: Ledger
    views: Views
    guard: CodeGuard

    def activate(self, change: Change) -> Answer:
        """A pending card comes alive with its initial value on it.

        A holder who activates it proves the security code. Raises Unprocessable,
        GiftCardNotFound, CardRefused, WrongSecurityCode, TooManyRequests.
        """
        wanted = _check_activate(change.body)
        holder = {attribute: wanted[name] for name, attribute in _HOLDER.items() if name in wanted}

        def decide(now: datetime) -> Plan:
            card = store.seen(change.program_id, change.card_id, change.caller)
            lifecycle.expect(card, frozenset({Status.PENDING}), now)
            code = wanted.get("securityCode")
            if code is not None:
                self._expect_code(card, code, change.caller.ip_address)
            facts = {"activated_at": to_text(now), **holder}
            posting = Posting(card, EntryType.ACTIVATION, card.initial_value, facts)
            return Plan([posting], lambda _: self.views.card(card, now))

        return self.ledger.post(decide, change.once("activate"), change.caller.client_id)

    def _expect_code(self, card: CardRecord, code: str, ip_address: str | None) -> None:
        if not self.guard.admits(self.views.number(card), code, card, ip_address):
            raise WrongSecurityCode

    def reload(self, change: Change) -> Answer:
        """More money for an active or depleted card.

        Raises Unprocessable, GiftCardNotFound, ProgramNotFound, CardRefused, LimitExceeded.
        """
        return self._reload(change, change.card_id, _check_reload(change.body))

    def reload_by_number(self, change: Change) -> Answer:
        """As `reload`, the card named by its number."""
        wanted = _check_reload_by_number(change.body)
        index = self.ledger.vault.index_of(wanted["cardNumber"])
        card = store.numbered(change.program_id, index, change.caller)
        return self._reload(change, card.card_id, wanted)

    def _reload(self, change: Change, card_id: str, wanted: dict[str, Any]) -> Answer:
        program = programs.owned(change.program_id, change.caller)
        amount = money.minor_units(
            "amount", wanted["amount"], least=money.SMALLEST, most=program.max_reload
        )
        details = {"description": "Gift card reload", **remarks(wanted)}

        def decide(now: datetime) -> Plan:
            card = store.seen(program.program_id, card_id, change.caller)
            lifecycle.expect(card, lifecycle.LIVE, now)
            lifecycle.expect_room(card, amount, program.max_balance)
            posting = Posting(card, EntryType.RELOAD, amount, details=details)
            return Plan([posting], lambda _: self.views.card(card, now))

        once = change.once("reload", card_id)
        return self.ledger.post(decide, once, change.caller.client_id)
