"""A shop that calls the gift-card API, for one of its programs."""

import time
import uuid
from dataclasses import dataclass
from typing import Any, Self

import requests

from local.cardvault import Cardvault
from local.clients.shop import TIMEOUT_S, Shop, User

GIFT_SCOPES = (
    "giftcards:read",
    "giftcards:issue",
    "giftcards:load",
    "giftcards:redeem",
    "giftcards:manage",
)
GIVE_UP_S = 120.0


@dataclass(frozen=True)
class GiftProgram:
    """A program, and the token of the shop it belongs to."""

    user: User
    program_id: str
    program: dict[str, Any]
    shop: Shop | None = None

    @classmethod
    def create(cls, vault: Cardvault, shop: Shop, **terms: Any) -> Self:
        """Have the operator make a program for the shop's tenant."""
        wanted = {"name": "Gift cards", "currency": "EUR", **terms}
        made = vault.operate(
            "ManageProgramFunction", action="create", tenantId=shop.tenant_id, **wanted
        )
        return cls(shop.user(), made["programId"], made, shop)

    @property
    def path(self) -> str:
        """The path of everything in the program."""
        return f"/v2/giftcards/programs/{self.program_id}"

    def post(self, what: str, key: str | None = None, **body: Any) -> requests.Response:
        """POST something of the program under an Idempotency-Key, a fresh one if none is given."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self.user.call("POST", f"{self.path}/{what}", json=body, headers=headers)

    def details(self, card_id: str, **query: str) -> requests.Response:
        """GET a card's details."""
        return self.user.call("GET", f"{self.path}/cards/{card_id}", params=query)

    def active_card(self, value: str, **body: Any) -> dict[str, Any]:
        """A new card, activated; its details. Raises HTTPError."""
        wanted = {"initialValue": value, "merchantId": "merchant_123", **body}
        made = self.post("cards", **wanted)
        made.raise_for_status()
        activated = self.post(f"cards/{made.json()['id']}/activate")
        activated.raise_for_status()
        card: dict[str, Any] = activated.json()
        return card

    def redeem(self, card_id: str, amount: str, key: str) -> requests.Response:
        """Take an amount off a card."""
        return self.post(f"cards/{card_id}/redeem", key, amount=amount)

    def redeem_with_retries(self, card_id: str, amount: str, key: str) -> requests.Response:
        """As `redeem`, again under the same key for as long as the answer is to try again."""
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            answer = self.redeem(card_id, amount, key)
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            time.sleep(float(answer.headers.get("Retry-After", "1")))

    def check_balance(self, number: str, code: str) -> requests.Response:
        """Check a balance as anyone may, without a token."""
        return requests.post(
            f"{self.user.api_url}{self.path}/balance-check",
            json={"cardNumber": number, "securityCode": code},
            timeout=TIMEOUT_S,
        )
