"""The balance check: for who has a number and its security code, be it without any login."""

from dataclasses import dataclass
from typing import Any

from cardvault.core.clock import Clock, utc_now
from cardvault.errors import GiftCardNotFound
from cardvault.giftcards import store
from cardvault.giftcards.fields import CODE, NUMBER, checker
from cardvault.giftcards.ledger import lifecycle
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.money import amount
from cardvault.giftcards.ledger.records import CardRecord
from cardvault.giftcards.security.guard import Asker, CodeGuard
from cardvault.http.caller import Caller

_check = checker({"cardNumber": NUMBER, "securityCode": CODE})


@dataclass(frozen=True, slots=True)
class CheckBalance:
    """One answer for an unknown number, another program's, and a wrong code."""

    guard: CodeGuard
    clock: Clock = utc_now

    def __call__(
        self,
        program_id: str,
        body: dict[str, Any],
        ip_address: str | None,
        caller: Caller | None = None,
    ) -> dict[str, Any]:
        """What is on the card, for anyone at an address or for a caller with a token.

        A shop's customers share its address, so its client has a count of its own, and it
        finds the cards of its tenant alone. Wrong codes are its customers', and count as
        anyone's. Raises InvalidRequest, GiftCardNotFound, TooManyRequests.
        """
        wanted = _check(body)
        number: str = wanted["cardNumber"]
        self._check_rate_limit(ip_address, caller)
        card, code = self._find(number), wanted["securityCode"]
        is_meant = card is not None and card.program_id == program_id
        if caller and card:
            is_meant = is_meant and card.tenant_id == caller.tenant_id
        known = self.guard.admits(number, code, card, ip_address, Asker.ANYONE, is_meant=is_meant)
        if not known or card is None:
            raise GiftCardNotFound
        now = self.clock()
        status = lifecycle.status(card, now)
        return {
            "id": card.card_id,
            "programId": card.program_id,
            "cardNumber": number,
            "lastFourDigits": card.last_four_digits,
            "balance": amount(card.balance),
            "availableBalance": amount(lifecycle.available(card, now)),
            "currency": card.currency,
            "status": status.value,
            "expiresAt": card.expires_at,
            "isActive": status is Status.ACTIVE,
        }

    def _check_rate_limit(self, ip_address: str | None, caller: Caller | None) -> None:
        if caller is None:
            self.guard.check_rate_of_address(ip_address)
        else:
            self.guard.check_rate_of_client(caller.tenant_id, caller.client_id)

    def _find(self, number: str) -> CardRecord | None:
        try:
            return store.find(store.id_of_number(self.guard.numbers.indexes_of(number)))
        except GiftCardNotFound:
            return None
