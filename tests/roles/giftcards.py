"""Every way a gift card goes, through the functions that change, show, expire and verify it."""

from datetime import timedelta
from typing import Any

from cardvault import errors
from cardvault.core.clock import to_text
from tests.support import chaining
from tests.support.stage import CLIENT, CUSTOMER, TENANT, Answer, Stage, fresh_key

PROGRAM = "/v2/giftcards/programs/{programId}"
CARD = PROGRAM + "/cards/{cardId}"
IDS = ("cardId", "transactionId", "holdId")
PERSON = {
    "customerId": "ada-1",
    "customerEmail": CUSTOMER,
    "customerPhone": "+442071838750",
    "customerName": "Ada",
}
GIFT = {
    **PERSON,
    "senderName": "Bob",
    "customMessage": "Happy birthday",
    "designTemplate": "birthday",
    "isPhysical": False,
}
REMARKS = {"referenceId": "r-1", "description": "as agreed"}
POS = {
    "posTransactionId": "p-1",
    "cashierId": "c-1",
    "terminalId": "t-1",
    "description": "at the till",
}


class Shop:
    """A program, and requests for its cards."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        terms = {"name": "Gifts", "tenantId": TENANT, "currency": "EUR"}
        made = stage.task("manage_program", action="create", **terms)
        self.program = made["programId"]

    def ask(self, function: str, route: str, wanted: int = 200, /, **more: Any) -> Answer:
        """One request; the ids that its route names come from `more`."""
        path = {"programId": self.program}
        path |= {name: more.pop(name) for name in IDS if name in more}
        more = {"by": CLIENT, "path": path, **more}
        if more["by"] and not more.get("key"):
            more["key"] = fresh_key()
        answer: Answer = self.stage.http(function, route, wanted, **more)
        return answer

    def issue(self, wanted: int = 201, key: str | None = None, **body: Any) -> Answer:
        body = {"initialValue": 100, "merchantId": "m-1", **body}
        return self.ask("issue_gift_cards", f"POST {PROGRAM}/cards", wanted, body=body, key=key)

    def active(self, **body: Any) -> Answer:
        made = self.issue(**body)
        return self.load("activate", made["id"])

    def load(self, action: str, card_id: str, wanted: int = 200, /, **body: Any) -> Answer:
        return self.ask(
            "fund_gift_card", f"POST {CARD}/{action}", wanted, cardId=card_id, body=body
        )

    def spend(self, action: str, card_id: str, wanted: int = 200, /, **body: Any) -> Answer:
        items = {name: body.pop(name) for name in ("transactionId", "holdId") if name in body}
        route = f"POST {CARD}/{action}"
        return self.ask("spend_gift_card", route, wanted, cardId=card_id, **items, body=body)

    def manage(self, action: str, card_id: str, wanted: int = 200, /, **body: Any) -> Answer:
        route = f"POST {CARD}/{action}"
        return self.ask("manage_gift_card", route, wanted, cardId=card_id, body=body)


def _programs(shop: Shop) -> None:
    for action in ("update", "get"):
        shop.stage.task("manage_program", action=action, programId=shop.program)


def _issuing(shop: Shop) -> None:
    delivered = to_text(shop.stage.now() + timedelta(days=1))
    key = fresh_key()
    for _ in range(2):  # the same key again
        made = shop.issue(key=key, **GIFT, deliverAt=delivered)
    shop.issue(422, key=key, initialValue=5)
    bulk = {"initialValue": 10, "merchantId": "m-1", "count": 2}
    shop.ask("issue_gift_cards", f"POST {PROGRAM}/cards/bulk", 201, body=bulk)
    shop.ask("issue_gift_cards", f"POST {CARD}/resend-code", cardId=made["id"], body={})


def _code(shop: Shop, card_id: str) -> str:
    route = f"POST {CARD}/resend-code"
    code = shop.ask("issue_gift_cards", route, cardId=card_id, body={})
    return str(code["securityCode"])


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def _loading(shop: Shop) -> None:
    card = shop.issue()
    code = _code(shop, card["id"])
    shop.load("activate", card["id"], 401, securityCode=_wrong(code))
    shop.load("activate", card["id"], securityCode=code, **PERSON)
    key, route = fresh_key(), f"POST {CARD}/reload"
    for _ in range(2):  # the same key again
        body = {"amount": 10, **REMARKS}
        shop.ask("fund_gift_card", route, cardId=card["id"], body=body, key=key)
    by_number = {"cardNumber": card["cardNumber"], "amount": 10}
    shop.ask("fund_gift_card", f"POST {PROGRAM}/cards/reload-by-number", body=by_number)


def _moving(shop: Shop) -> None:
    source, target = shop.active(**GIFT), shop.active(**GIFT)
    code = _code(shop, source["id"])
    move = {"destinationCardNumber": target["cardNumber"], "amount": 25, **REMARKS}
    shop.load("transfer", source["id"], 401, securityCode=_wrong(code), **move)
    shop.load("transfer", source["id"], securityCode=code, **move)
    body = {
        "cardNumbers": [source["cardNumber"], target["cardNumber"]],
        "merchantId": "m-1",
        **REMARKS,
        "customerEmail": CUSTOMER,
        "customerName": "Ada",
        "senderName": "Bob",
        "isPhysical": True,
        "designTemplate": "birthday",
        "customMessage": "All on one",
    }
    shop.ask("fund_gift_card", f"POST {PROGRAM}/consolidate", body=body)


def _spending(shop: Shop) -> None:
    card_id = shop.active()["id"]
    spent = shop.spend("redeem", card_id, amount=20, **POS)
    key, route = fresh_key(), f"POST {CARD}/redeem"
    for _ in range(2):  # the same key again
        body = {"amount": 80}
        shop.ask("spend_gift_card", route, cardId=card_id, body=body, key=key)
    refund = "transactions/{transactionId}/refund"
    for _ in range(2):
        item = {"transactionId": spent["transactionId"], "posTransactionId": "p-2"}
        shop.spend(refund, card_id, amount=10, reason="returned", **item)
    for action, told in (("capture", {"amount": 2, **POS}), ("release", {"reason": "cancelled"})):
        held = shop.spend("holds", card_id, 201, amount=4, **POS)
        shop.spend(f"holds/{{holdId}}/{action}", card_id, holdId=held["holdId"], **told)


def _managing(shop: Shop) -> None:
    card_id = shop.active(**GIFT)["id"]
    tomorrow = to_text(shop.stage.now() + timedelta(days=1))
    shop.manage("suspend", card_id, reason="lost", expiresAt=tomorrow)
    shop.manage("unsuspend", card_id)
    shop.manage("adjustments", card_id, amount=-5, reason="counted twice", referenceId="r-2")
    shop.manage("process-expired", card_id, action="extend", extensionDays=30)
    new = {"newOwnerName": "Eve", "newOwnerEmail": "eve@example.com", "newCustomerId": "eve-1"}
    shop.manage("transfer-ownership", card_id, referenceId="r-3", **new)
    key, route = fresh_key(), f"POST {CARD}/void"
    for _ in range(2):  # the same key again
        body = {"reason": "fraud", "refundReference": "b-1"}
        shop.ask("manage_gift_card", route, cardId=card_id, body=body, key=key)


def _expiring(shop: Shop) -> None:
    stage = shop.stage
    soon = to_text(stage.now() + timedelta(hours=1))
    card_id = shop.active(expiresAt=soon)["id"]
    shop.spend("holds", card_id, 201, amount=4)
    stage.wait(hours=2)
    stage.task("expire_gift_cards")
    shop.manage("process-expired", card_id, action="refund", refundReference="b-2")


def _looking(shop: Shop) -> None:
    card = shop.active(**GIFT)
    for suffix in ("", "/transactions", "/transactions.csv"):
        shop.ask("get_gift_card", f"GET {CARD}{suffix}", cardId=card["id"])
    shop.ask("list_gift_cards", f"GET {PROGRAM}/cards")
    found = {"q": card["cardNumber"]}
    shop.ask("list_gift_cards", f"GET {PROGRAM}/search", query=found)
    stage = shop.stage
    stage.task("anchor_ledger", Records=chaining.entry_records(card["id"]))
    stage.task("anchor_ledger", Records=chaining.entry_records(shop.active()["id"])[-1:])
    stage.task("anchor_ledger", card=card["id"])
    verified = shop.stage.task("verify_ledger")
    assert verified["differences"] == []
    assert verified["cards"] > 0
    shop.stage.task("verify_ledger", errors.InvalidRequest, cursor="x")


def _checking_balances(shop: Shop) -> None:
    card = shop.active()
    code = _code(shop, card["id"])
    route = f"POST {PROGRAM}/balance-check"
    for number, said, wanted in (
        (card["cardNumber"], code, 200),
        (card["cardNumber"], _wrong(code), 404),
        ("9", code, 404),
        (card["cardNumber"], code, 200),
        ("9", code, 404),
        ("9", code, 429),
    ):
        body = {"cardNumber": number, "securityCode": said}
        shop.ask("check_balance", route, wanted, body=body, by=None)
    body = {"cardNumber": card["cardNumber"], "securityCode": code}
    shop.ask("check_balance", f"POST {PROGRAM}/cards/balance-check", 200, body=body)


def _rotating_keys(shop: Shop) -> None:
    stage, card = shop.stage, shop.active(**GIFT)
    code = _code(shop, card["id"])
    for step in ("prepare", "switch", "reseal", "retire"):
        stage.task("rotate_gift_card_keys", action=step)
        stage.wait(minutes=10)
    assert stage.task("rotate_gift_card_keys", action="status")["stage"] == "settled"
    body = {"cardNumber": card["cardNumber"], "securityCode": code}
    shop.ask("check_balance", f"POST {PROGRAM}/balance-check", body=body, by=None)
    assert stage.task("verify_ledger")["differences"] == []


SCENARIOS = (
    _programs,
    _issuing,
    _loading,
    _moving,
    _spending,
    _managing,
    _expiring,
    _looking,
    _checking_balances,
    _rotating_keys,
)
