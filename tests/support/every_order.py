"""Orders in every state, links of every kind, API clients: each made by the use case that makes it.

Returns what their owners know of them: keys, bodies, tokens, codes, cards, secrets.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cardvault.aws import tables
from cardvault.claims.claim import ClaimRequest
from cardvault.errors import (
    LinkUnusable,
    MailOutcomeUnknown,
    OrderNotFound,
    OrderPending,
    PlacementUnknown,
    WrongCode,
)
from cardvault.fulfilment.outcome import record_failure, record_refund
from cardvault.fulfilment.poll import PollFulfilment
from cardvault.identity import clients
from cardvault.identity.clients import ApiClient
from cardvault.orders.shred import shred_cards
from tests.support.delivery import ORIGIN, Desk
from tests.support.doubles import caller, canary_cards

Told = dict[str, Any]
ADDRESS = "ada@example.com"
ALL_SAID = {"email": ADDRESS, "name": "Zoë Ünal", "shopName": "Café 🎁", "locale": "fr"}
PASSCODE = "open sesame"
ADOPTED = "6900000000000000000000aa"


@dataclass
class EveryOrder:
    """`told` is by a name for the state that the order is left in."""

    steps: Any
    desk: Desk
    told: dict[str, Told] = field(default_factory=dict)

    def make(self) -> dict[str, Told]:
        self._made("received")
        self._in_doubt("placing")
        self._placed("placed")
        self._handling("handling")
        self._refunded("refunded")
        self._in_attention("attention")
        self._adopted("adopted")
        self._stored("stored", 3)
        self._revealed("revealed")
        self._stored("partly", 251, missing=1)
        self._stored("shredded", 3)
        shred_cards(self._id("shredded"), caller(), clock=self.steps.clock)
        self._downloaded("downloaded")
        self._mail_in_doubt("mailing")
        self._complained("complained")
        self._locked("locked")
        self._mailed("wrong once", delivery=_passcode())
        self._tries_wrong_code("wrong once")
        self._resent("resent")
        self._mailed("mailed", delivery=ALL_SAID)
        self._opens_and_asks_for_a_code("mailed")
        self._mailed("unguarded", delivery={"email": ADDRESS, "protection": "none"})
        self._claimed("claimed")
        return self.told

    def _id(self, name: str) -> str:
        return str(self.told[name]["orderId"])

    def _made(self, name: str, **changes: Any) -> str:
        wanted = {"productId": "P1", "typeId": "T1", "quantity": 3, **changes}
        body = {field: value for field, value in wanted.items() if value is not None}
        key = f"order-{name.replace(' ', '-')}"
        order = self.steps.create(key, caller(scopes="orders:adopt"), **wanted)
        self.told[name] = {"orderId": order.order_id, "key": key, "body": body}
        return str(order.order_id)

    def _in_doubt(self, name: str) -> None:
        order_id = self._made(name)
        self.steps.supplier.placing.append(PlacementUnknown())
        with suppress(PlacementUnknown):
            self.steps.place(order_id)

    def _placed(self, name: str, **changes: Any) -> str:
        order_id = self._made(name, **changes)
        self.steps.supplier.placing.append(f"S-{order_id}")
        self.steps.place(order_id)
        self.told[name]["supplierOrderId"] = f"S-{order_id}"
        return order_id

    def _handling(self, name: str) -> None:
        order_id = self._placed(name)
        self.steps.supplier.has(f"S-{order_id}", "HANDLING", cards=(), fulfilled_quantity=None)
        self._poll(order_id)

    def _poll(self, order_id: str) -> None:
        clock = self.steps.clock
        poll = PollFulfilment(self.steps.supplier, timedelta(days=1), clock)
        with suppress(OrderPending):
            poll(order_id, execution_started_at=clock())

    def _refunded(self, name: str) -> None:
        record_refund(self._placed(name), clock=self.steps.clock)

    def _in_attention(self, name: str) -> None:
        record_failure(self._made(name), "SupplierRejected", clock=self.steps.clock)

    def _adopted(self, name: str) -> None:
        self._made(name, productId=None, typeId=None, quantity=None, supplierOrderId=ADOPTED)
        self.told[name]["supplierOrderId"] = ADOPTED

    def _stored(self, name: str, cards: int, missing: int = 0, **changes: Any) -> str:
        order_id = self._placed(name, quantity=cards + missing, **changes)
        delivered = canary_cards(cards, name.replace(" ", "-").upper())
        status = "PARTIALLY_FILLED" if missing else "FULFILLED"
        quantity = cards + missing
        self.steps.supplier.has(f"S-{order_id}", status, quantity=quantity, cards=delivered)
        self.steps.store(order_id)
        self.told[name]["cards"] = [[card.value, card.serial] for card in delivered]
        return order_id

    def _revealed(self, name: str) -> None:
        order_id = self._stored(name, 3)
        self.steps.reveal(order_id)
        with suppress(OrderNotFound):
            self.steps.reveal(order_id, by=caller("bob"))

    def _downloaded(self, name: str) -> None:
        order_id = self._stored(name, 3)
        used, unused = (
            self.desk.create.for_owner(order_id, "csv", caller()).token for _ in range(2)
        )
        self.desk.download(used, "repeat-1", ORIGIN)
        self.told[name] |= {"downloadToken": unused, "usedDownloadToken": used}
        self.told[name]["repeatKey"] = "repeat-1"

    def _mailed(self, name: str, **changes: Any) -> str:
        order_id = self._stored(name, 3, **changes)
        self.desk.order_mailer.deliver(order_id)
        self.told[name]["token"] = self.desk.mailer.token()
        return order_id

    def _mail_in_doubt(self, name: str) -> None:
        order_id = self._stored(name, 3, delivery={"email": ADDRESS})
        self.desk.mailer.outcomes.append(MailOutcomeUnknown())
        with suppress(MailOutcomeUnknown):
            self.desk.order_mailer.deliver(order_id)

    def _complained(self, name: str) -> None:
        address = "Grace@example.com"
        order_id = self._mailed(name, delivery={"email": address})
        tags = {"orderId": [order_id]}
        if mail_id := getattr(self.desk.order(order_id), "mail_id", None):
            tags["mail"] = [mail_id]
        mail = {"destination": [address], "tags": tags, "timestamp": "2026-01-02T03:04:05.000Z"}
        complaint = {"complaintFeedbackType": "abuse"}
        self.desk.handle({"eventType": "Complaint", "mail": mail, "complaint": complaint})

    def _claim(self, name: str) -> ClaimRequest:
        return ClaimRequest(self.told[name]["token"], None, ORIGIN)

    def _tries_wrong_code(self, name: str) -> None:
        with suppress(WrongCode, LinkUnusable):
            self.desk.redeem(self._claim(name), "not the code", None)

    def _locked(self, name: str) -> None:
        self._mailed(name, delivery=_passcode())
        for _ in range(6):  # five lock it, the sixth is refused
            self._tries_wrong_code(name)

    def _resent(self, name: str) -> None:
        order_id = self._mailed(name, delivery={"email": ADDRESS})
        self.told[name]["replacedToken"] = self.told[name]["token"]
        self.steps.clock.advance(seconds=31)
        self.desk.resend(order_id, None, caller())
        self.told[name]["token"] = self.desk.mailer.token()

    def _opens_and_asks_for_a_code(self, name: str) -> None:
        self.desk.open(self._claim(name))
        self.desk.send_code(self._claim(name))
        self.told[name]["code"] = self.desk.mailer.code()

    def _claimed(self, name: str) -> None:
        self._mailed(name, delivery={"email": ADDRESS})
        self._opens_and_asks_for_a_code(name)
        code = self.told[name]["code"]
        session = self.desk.redeem(self._claim(name), code, "claim-1")
        self.told[name] |= {"claimKey": "claim-1", "session": session}


def _passcode() -> dict[str, str]:
    return {"email": ADDRESS, "protection": "passcode", "passcode": PASSCODE}


def make_every_client(steps: Any) -> dict[str, Told]:
    """A client, one whose secret was rotated, and one that was revoked."""
    tables.use(steps.cloud.settings, ApiClient)
    told: dict[str, Told] = {}
    for name in ("live", "rotated", "revoked"):
        made = clients.create(name, ["orders:read"], clock=steps.clock)
        told[name] = {"clientId": made.client.client_id, "secret": made.secret}
    rotated = clients.rotate(told["rotated"]["clientId"], clock=steps.clock)
    told["rotated"] |= {"secret": rotated.secret, "oldSecret": told["rotated"]["secret"]}
    clients.revoke(told["revoked"]["clientId"], clock=steps.clock)
    return told
