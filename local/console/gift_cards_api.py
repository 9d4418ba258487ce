"""What the console does with the gift cards of its shop."""

import threading
from dataclasses import dataclass, field, replace
from typing import Any

from local.cardvault import Cardvault
from local.clients.gift_cards import GiftProgram
from local.clients.shop import Shop
from local.console.responses import body_of

MERCHANT = "merchant_123"


@dataclass
class GiftCardsApi:
    """One program of one shop, made when the first card is asked for."""

    vault: Cardvault
    shop: Shop
    _made: GiftProgram | None = None
    _making: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Make a card and activate it; the card."""
        program = self._program()
        customer = {"customerName": wanted["name"]} if wanted.get("name") else {}
        value = wanted.get("amount")
        made = body_of(program.post("cards", initialValue=value, merchantId=MERCHANT, **customer))
        return body_of(program.post(f"cards/{made['id']}/activate"))

    def look(self, card_id: str) -> dict[str, Any]:
        """The card with its transactions, newest first, as the API answers it."""
        return body_of(self._program().details(card_id, include_transactions="true"))

    def act(self, card_id: str, what: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Redeem, reload, or refund the last redemption; the API's answer."""
        path = f"cards/{card_id}"
        if what == "refund":
            path += f"/transactions/{self._last_redemption(card_id)}"
        # No amount stays no amount: a refund is then of all that is left.
        body = {"amount": wanted["amount"]} if wanted.get("amount") else {}
        return body_of(self._program().post(f"{path}/{what}", **body))

    def _last_redemption(self, card_id: str) -> str:
        for entry in self.look(card_id)["transactions"]:
            if entry["transactionType"] == "REDEMPTION":
                return str(entry["id"])
        raise LookupError("nothing was redeemed from this card yet")

    def _program(self) -> GiftProgram:
        with self._making:
            if self._made is None:
                self._made = GiftProgram.create(self.vault, self.shop, name="Console gift cards")
        # A fresh token each time: this outlives any of them.
        return replace(self._made, user=self.shop.user())
