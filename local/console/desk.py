"""What the console does for its page: a shop's API calls, and a look at what came of them."""

import uuid
from dataclasses import dataclass
from typing import Any

from local.cardvault import Cardvault, Shop, User
from local.mailbox import Mailbox
from local.supplier import FAULTS

PRODUCT = "507f1f77bcf86cd799439011"
ENDINGS = {
    "PSN-500": ("Everything goes well", "The supplier hands over every card."),
    "TEST_PARTIAL": ("Partly filled", "Some cards come, the rest is refunded."),
    "TEST_REFUND": ("Refunded", "No card comes, the money goes back."),
}
# What a person waits for should not take the half minute that tests like.
QUICKER = {"slow_fulfilment": ["8"], "unknown_status": ["8"], "timeout_after_commit": ["12"]}
USER = "console-user"


class RefusedError(Exception):
    """The API refused; `status` and `body` are its answer."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(body.get("error", "refused"))
        self.status, self.body = status, body


@dataclass(frozen=True)
class Desk:
    """One shop, and one user of it."""

    vault: Cardvault
    shop: Shop
    mailbox: Mailbox

    @classmethod
    def of(cls, vault: Cardvault) -> "Desk":
        """A desk of a shop of its own."""
        return cls(vault, vault.shop("console"), Mailbox(vault.stack))

    def endings(self) -> list[dict[str, str]]:
        """How an order may end or go wrong: `typeId`, a name and what happens."""
        plain = [
            {"typeId": type_id, "name": name, "does": does, "kind": "ending"}
            for type_id, (name, does) in ENDINGS.items()
        ]
        faults = [
            {
                "typeId": f"FAULT_{name.upper()}"
                + (f":{QUICKER[name]}" if name in QUICKER else ""),
                "name": name.replace("_", " ").capitalize(),
                "does": does,
                "kind": "fault",
            }
            for name, does in FAULTS.items()
        ]
        return plain + faults

    def place(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Place an order as the page asks."""
        body = {
            "productId": PRODUCT,
            "typeId": str(wanted.get("typeId")),
            "quantity": wanted.get("quantity"),
        }
        if wanted.get("delivery"):
            body["delivery"] = wanted["delivery"]
        return self._told(self._user().order(uuid.uuid4().hex, **body))

    def look(self, order_id: str) -> dict[str, Any]:
        """The order, its trail, whether the trail's numbers follow, and its mails."""
        user = self._user()
        order = self._told(user.get(order_id))
        events = self._told(user.get(order_id, "/audit", limit=500))["events"]
        mails = [
            {"number": mail.number, "subject": mail.subject, "to": mail.to, "link": mail.link}
            for mail in self.mailbox.mails()
            if order_id in mail.text
        ]
        return {"order": order, "events": events, "mails": mails}

    def act(self, order_id: str, what: str) -> dict[str, Any]:
        """Reveal, download or resend, as the order's owner."""
        user = self._user()
        path = f"/api/orders/{order_id}"
        if what == "reveal":
            return self._told(user.get(order_id, "/cards"))
        if what == "download":
            made = self._told(user.call("POST", f"{path}/downloads", json={"format": "txt"}))
            return {"url": self.vault.api_url + made["downloadUrl"]}
        return self._told(user.call("POST", f"{path}/emails", json={}))

    def _user(self) -> User:
        # A fresh token each time: the desk outlives any of them.
        return self.shop.user(USER)

    @staticmethod
    def _told(answer: Any) -> dict[str, Any]:
        body: dict[str, Any] = answer.json()
        if not answer.ok:
            raise RefusedError(answer.status_code, body)
        return body
