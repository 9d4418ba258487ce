"""What the console does for its page: a shop's API calls, and a look at what came of them."""

import subprocess
import sys
import uuid
from dataclasses import dataclass
from typing import Any

from local.cardvault import Cardvault
from local.clients.gift_cards import GIFT_SCOPES
from local.clients.mailbox import Mailbox
from local.clients.shop import ALL_SCOPES, Shop, User
from local.console.gift_cards_api import GiftCardsApi
from local.console.responses import body_of
from local.sandbox import FAULTS
from local.stack import environment
from local.stack.build import ROOT
from local.stack.embedded import STACK_NAME

PRODUCT = "507f1f77bcf86cd799439011"
ENDINGS = {
    "PSN-500": ("Everything goes well", "The supplier hands over every card."),
    "TEST_PARTIAL": ("Partly filled", "Some cards come, the rest is refunded."),
    "TEST_REFUND": ("Refunded", "No card comes, the money goes back."),
}
# What a person waits for should not take the half minute that tests like.
QUICKER = {"slow_fulfilment": ["8"], "unknown_status": ["8"], "timeout_after_commit": ["12"]}
USER = "console-user"
LISTED = 100
TABLES = {"ORDERS_TABLE": "OrdersTable", "AUDIT_TABLE": "AuditTrailTable"}
EXAMPLE = {
    "typeId": "PSN-500",
    "quantity": 3,
    "delivery": {"email": "ada@example.com", "name": "Ada", "shopName": "Corner Shop"},
}


@dataclass(frozen=True)
class ConsoleApi:
    """One shop, and one user of it."""

    vault: Cardvault
    shop: Shop
    mailbox: Mailbox
    gift_cards: GiftCardsApi

    @classmethod
    def of(cls, vault: Cardvault) -> "ConsoleApi":
        """With a shop of its own."""
        shop = vault.shop("console", (*ALL_SCOPES, *GIFT_SCOPES))
        return cls(vault, shop, Mailbox(vault.stack), GiftCardsApi(vault, shop))

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
        return body_of(self._user().order(uuid.uuid4().hex, **body))

    def orders(self) -> dict[str, Any]:
        """The last orders, newest first, and their numbers."""
        listed = body_of(self._user().call("GET", "/api/orders", params={"limit": LISTED}))
        orders: list[dict[str, Any]] = listed["orders"]
        numbers = {
            "orders": len(orders),
            "cards": sum(order.get("fulfilledQuantity") or 0 for order in orders),
            "attention": sum(order["status"] == "attention" for order in orders),
            "mails": sum("emailedAt" in order for order in orders),
            "claimed": sum("claimedAt" in order for order in orders),
        }
        return {"orders": orders, "numbers": numbers}

    def look(self, order_id: str) -> dict[str, Any]:
        """The order, its trail, whether the trail's numbers follow, and its mails."""
        user = self._user()
        order = body_of(user.get(order_id))
        events = body_of(user.get(order_id, "/audit", limit=500))["events"]
        mails = [
            {"number": mail.number, "subject": mail.subject, "link": mail.link, "code": mail.code}
            for mail in self.mailbox.mails()
            if order_id in mail.text
        ]
        return {"order": order, "events": events, "mails": mails}

    def act(self, order_id: str, what: str) -> dict[str, Any]:
        """Reveal, download or resend as the order's owner; redrive or verify as an operator."""
        if what == "redrive":
            return {"execution": self.vault.redrive(order_id)}
        if what == "verify":
            return self._verify(order_id)
        user = self._user()
        path = f"/api/orders/{order_id}"
        if what == "reveal":
            return body_of(user.get(order_id, "/cards"))
        if what == "download":
            made = body_of(user.call("POST", f"{path}/downloads", json={"format": "txt"}))
            return {"url": self.vault.api_url + made["downloadUrl"]}
        return body_of(user.call("POST", f"{path}/emails", json={}))

    def _verify(self, order_id: str) -> dict[str, str]:
        """What the command of docs/operations.md says of the order's trail."""
        formation = self.vault.stack.client("cloudformation")
        tables = {
            variable: formation.describe_stack_resource(
                StackName=STACK_NAME, LogicalResourceId=logical_id
            )["StackResourceDetail"]["PhysicalResourceId"]
            for variable, logical_id in TABLES.items()
        }
        done = subprocess.run(  # noqa: S603 - our own command, and an id of 24 hex digits
            [sys.executable, "-m", "cardvault.orders.audit", order_id],
            cwd=ROOT,
            env=environment.for_child(
                AWS_ENDPOINT_URL=self.vault.stack.aws_url,
                PYTHONPATH=str(ROOT / "layers/cardvault"),
                **tables,
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        return {"verdict": (done.stdout or done.stderr).strip()}

    def _user(self) -> User:
        # A fresh token each time: this outlives any of them.
        return self.shop.user(USER)
