"""A customer of the embedded stack: reads the mail, and talks to the claim API as the page does."""

import uuid
from dataclasses import dataclass
from typing import Any

import requests

from local.cardvault import Cardvault, User
from local.mailbox import Mailbox

PRODUCT = "507f1f77bcf86cd799439011"
TIMEOUT_S = 30


@dataclass
class Customer:
    vault: Cardvault
    order_id: str
    address: str

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.vault.stack)

    @property
    def link(self) -> str:
        return str(self.mailbox.last(self.address, lambda mail: mail.link).link)

    @property
    def token(self) -> str:
        return self.link.partition("#")[2]

    @property
    def code(self) -> str:
        return str(self.mailbox.last(self.address, lambda mail: mail.code).code)

    def post(self, what: str, token: str | None = None, **given: Any) -> requests.Response:
        """POST to the claim API; `cookie` and `key` become headers, the rest the body."""
        headers = {}
        if cookie := given.pop("cookie", None):
            headers["Cookie"] = cookie
        if key := given.pop("key", None):
            headers["Idempotency-Key"] = key
        body = {"token": token or self.token, **given}
        url = f"{self.vault.api_url}/api/claims/{what}"
        return requests.post(url, json=body, headers=headers, timeout=TIMEOUT_S)

    def claim(self) -> str:
        """Claim with the e-mailed code; the session's cookie as a browser would send it."""
        token = self.token
        assert self.post("code", token).status_code == 202
        answer = self.post("redeem", token, code=self.code)
        assert answer.status_code == 200, answer.text
        return str(answer.headers["Set-Cookie"].split(";")[0])


def ordered(vault: Cardvault, user: User, type_id: str = "PSN-500", **delivery: Any) -> Customer:
    """An order whose customer has the mail."""
    address = f"{uuid.uuid4().hex[:12]}@example.com"
    answer = user.order(
        uuid.uuid4().hex,
        productId=PRODUCT,
        typeId=type_id,
        quantity=3,
        delivery={"email": address, **delivery},
    )
    assert answer.status_code == 202, answer.text
    order_id = answer.json()["orderId"]
    until = ("emailedAt", "attentionAt")
    list(user.follow(order_id, until=lambda order: any(name in order for name in until)))
    return Customer(vault, order_id, address)
