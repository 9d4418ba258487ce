"""Gift cards in every state, and every kind of ledger entry, each made by a request.

Returns what the shop knows of them: numbers, codes, and its requests with their first answers.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cardvault.core import decimal_json
from cardvault.core.clock import to_text
from cardvault.errors import GiftCardNotFound
from tests.support.giftcards import GiftShop

UNKNOWN_NUMBER = "9000000000000018"
CALLER = "198.51.100.7"
ONE_CUSTOMER = {"customerId": "customer-9", "customerEmail": "ada@example.com"}
ALL_SAID: dict[str, Any] = {
    **ONE_CUSTOMER,
    "customerPhone": "+442071838750",
    "customerName": "Ada",
    "senderName": "Zoë",
    "customMessage": "Crème brûlée 🎁",
    "designTemplate": "birthday",
    "isPhysical": True,
    "deliverAt": "2026-02-01T09:00:00Z",
    "expiresAt": "2027-01-01T00:00:00Z",
}
AT_THE_TILL = {"posTransactionId": "pos-1", "cashierId": "cashier-7", "terminalId": "terminal-3"}


@dataclass
class EveryGiftCard:
    """`cards` are by a name for what happened to them."""

    shop: GiftShop
    clock: Any
    cards: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)

    def make(self) -> dict[str, Any]:
        self._new("pending", **ALL_SAID)
        self._spent_from("spent")
        self._moved("spent", "target")
        self._expired("expired")
        self._managed()
        merged = [self._active(name, **ONE_CUSTOMER)["cardNumber"] for name in ("one", "two")]
        new = self._ask("consolidate", cardNumbers=merged, merchantId="m", referenceId="r-6")
        self._know("consolidated", new["newCard"])
        self._ask("bulk", count=2, initialValue=Decimal("25.50"), merchantId="m")
        self._guess("spent")
        with suppress(GiftCardNotFound):
            self.shop.check_balance(UNKNOWN_NUMBER, "000000", CALLER)
        return {
            "programId": self.shop.program.program_id,
            "cards": self.cards,
            "requests": self.requests,
            "unknownNumber": UNKNOWN_NUMBER,
            "caller": CALLER,
            "minute": int(self.clock().timestamp()) // 60,
        }

    def _ask(
        self, action: str, card: str = "", item_id: str = "", /, **body: Any
    ) -> dict[str, Any]:
        """A request under an Idempotency-Key of its own."""
        card_id, key = self.cards[card]["id"] if card else "", f"gift-{len(self.requests)}"
        answer = self.shop.do(action, card_id, item_id, key=key, **body)
        self.requests.append(
            {
                "action": action,
                "cardId": card_id,
                "itemId": item_id,
                "key": key,
                "body": decimal_json.dumps(body),
                "answer": decimal_json.dumps(answer),
            }
        )
        return answer

    def _without_key(self, action: str, card: str, /, **body: Any) -> dict[str, Any]:
        return self.shop.do(action, self.cards[card]["id"], **body)

    def _know(self, name: str, card: dict[str, Any]) -> None:
        self.cards[name] = {"id": card["id"], "cardNumber": card["cardNumber"]}

    def _new(self, name: str, value: str = "100.00", **said: Any) -> dict[str, Any]:
        card = self._ask("create", initialValue=Decimal(value), merchantId="merchant_123", **said)
        self._know(name, card)
        return card

    def _active(self, name: str, **said: Any) -> dict[str, Any]:
        self._new(name, **said)
        return self._ask("activate", name)

    def _spent_from(self, name: str) -> None:
        number = self._active(name)["cardNumber"]
        code = self._without_key("resend-code", name)["securityCode"]
        self.cards[name]["securityCode"] = code
        self._ask("reload", name, amount=Decimal("20.00"), referenceId="r-1")
        self._ask("reload-by-number", cardNumber=number, amount=5, description="Crème 🎁")
        spent = self._ask("redeem", name, amount=Decimal("12.50"), description="A", **AT_THE_TILL)
        self._ask("refund", name, spent["transactionId"], amount=Decimal("2.50"), reason="Back")
        self._ask("adjustments", name, amount=Decimal("-0.01"), reason="Wrong", referenceId="r-2")
        holds = [self._ask("holds", name, amount=Decimal("10.00"))["holdId"] for _ in range(3)]
        self._ask("capture", name, holds[0], amount=Decimal("7.00"), **AT_THE_TILL)
        self._ask("release", name, holds[1], reason="Left")
        self.cards[name] |= {"openHold": holds[2], "redemption": spent["transactionId"]}

    def _moved(self, source: str, target: str) -> None:
        number = self._active(target)["cardNumber"]
        self._ask(
            "transfer",
            source,
            securityCode=self.cards[source]["securityCode"],
            destinationCardNumber=number,
            amount=Decimal("10.00"),
            referenceId="r-3",
        )
        self._without_key("suspend", target, reason="Lost")
        self._without_key("unsuspend", target)

    def _expired(self, name: str) -> None:
        self._new(name, expiresAt=to_text(self.clock() + timedelta(hours=1)))
        self._ask("activate", name)
        self.clock.advance(hours=2)
        self.shop.expire()

    def _managed(self) -> None:
        for name in ("suspended", "extended", "voided", "handed over"):
            self._active(name)
        end = to_text(self.clock() + timedelta(days=9))
        self._without_key("suspend", "suspended", reason="Lost", expiresAt=end)
        self._ask("process-expired", "extended", action="extend", extensionDays=30)
        self._ask("void", "voided", reason="Stolen", refundReference="r-4")
        owner = {"newOwnerName": "Grace", "newOwnerEmail": "grace@example.com"}
        self._without_key("transfer-ownership", "handed over", **owner, referenceId="r-5")

    def _guess(self, name: str) -> None:
        card = self.cards[name]
        wrong = f"{(int(card['securityCode']) + 1) % 10**6:06d}"
        with suppress(GiftCardNotFound):
            self.shop.check_balance(card["cardNumber"], wrong, CALLER)
