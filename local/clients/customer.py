"""A customer who reads the mail, and calls the claim API as the claim page does."""

from dataclasses import dataclass
from typing import Any

import requests

from local.cardvault import Cardvault
from local.clients.mailbox import Mailbox
from local.clients.shop import TIMEOUT_S


@dataclass
class Customer:
    """Who an order was mailed to."""

    vault: Cardvault
    order_id: str
    address: str

    @property
    def mailbox(self) -> Mailbox:
        """Everybody's mail, this customer's among it."""
        return Mailbox(self.vault.stack)

    @property
    def link(self) -> str:
        """The claim link that was mailed last."""
        return str(self.mailbox.last(self.address, lambda mail: mail.link).link)

    @property
    def token(self) -> str:
        """What the link carries behind the #."""
        return self.link.partition("#")[2]

    @property
    def code(self) -> str:
        """The six digits that were mailed last."""
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
        self.post("code", token, email=self.address).raise_for_status()
        answer = self.post("redeem", token, code=self.code)
        answer.raise_for_status()
        return str(answer.headers["Set-Cookie"].split(";")[0])
