"""The functions as Lambda runs them, and the world that the events of events/ speak of."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cardvault import errors
from cardvault.aws import tables
from cardvault.claims.proof import hash_code
from cardvault.core.clock import to_text
from cardvault.giftcards import define_programs
from cardvault.giftcards.ledger import posting
from cardvault.giftcards.operations import holds, issue, security_code
from cardvault.giftcards.security.vault import check_digit
from cardvault.identity.clients import ApiClient
from cardvault.links import AccessLink, Kind, State, hash_token
from cardvault.orders.records import ORDER_KEY, OrderRecord
from cardvault.orders.shred import shred_cards
from tests.support.apps import PATHS, load_app
from tests.support.doubles import START, caller
from tests.support.giftcards import GiftShop
from tests.support.template import ROOT

SECRET = "EXAMPLE-CLIENT-SECRET"
SESSION = "EXAMPLE-SESSION"
CODE = "940417"
LIVE, USED, FILE = (
    f"EXAMPLE-{kind}-LINK-EXAMPLE-{kind}-LINK-EXAMPL0" for kind in ("LIVE", "USED", "FILE")
)
# An order names one claim link.
ORDER_OF_LINK = {LIVE: 8, FILE: 8, USED: 9}
CUSTOMER, MAIL_ID = "ada@example.com", "0123456789abcdef"
PROGRAM_ID = "695735a5000000000000a001"


def order_id(number: int) -> str:
    return f"695735a5{number:016d}"


def read_event(path: Path) -> Any:
    """The event. Those of mail leave open which mail it is, of which order and to whom."""
    text = path.read_text()
    for name, value in {
        "ORDER_ID": order_id(8),
        "TO_ADDRESS": CUSTOMER,
        "MAIL_ID": MAIL_ID,
    }.items():
        text = text.replace(name, value)
    return json.loads(text)


EVENTS = {
    f"{path.parent.name}/{path.stem}": read_event(path)
    for path in sorted((ROOT / "events").glob("*/*/*.json"))
}
FUNCTIONS = sorted(PATHS)


class LambdaContext:
    function_name = "cardvault-test"
    function_version = "1"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:cardvault-test"
    aws_request_id = "0b9f5d2e-5a0c-4f3e-9d43-8a8f6f4c2a11"

    def get_remaining_time_in_millis(self) -> int:
        return 180_000


def invoke(case: str) -> Any:
    """What a function answers to one of its events: `invoke("get_order/fulfilled")`."""
    app = load_app(case.partition("/")[0])
    return app.handler(EVENTS[case], LambdaContext())


def more_settings(steps: Any) -> dict[str, str]:
    machine = steps.cloud.client("stepfunctions").create_state_machine(
        name="fulfilment",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/fulfilment",
    )
    steps.cloud.client("ssm").put_parameter(
        Name="/cardvault/public-url", Value="https://cards.example.com", Type="String"
    )
    return {
        "STATE_MACHINE_ARN": machine["stateMachineArn"],
        "ADOPTABLE_AFTER_SECONDS": "1800",
        "TENANTS_CARDS_PER_DAY": "50000",
        "PLANTED_ORDERS": "",
        "SANDBOX_KEY_ALLOWED": "no",
        "FULFILMENT_DEADLINE_SECONDS": "86400",
        "BLOCKED_PAUSE_SECONDS": "960",
        "OUTAGE_PAUSE_SECONDS": "10",
        "SUPPLIER_REQUESTS_PER_SECOND": "0",
        "TOKEN_ISSUER": "https://issuer.test",
        "PUBLISHED_KEY_ARN": "",
        "TOKEN_AUDIENCE": "cardvault",
        "TOKEN_LIFETIME_SECONDS": "900",
        "MAIL_REPLY_TO": "",
        "MAIL_CONFIGURATION_SET": "mail",
        "SHOP_NAME": "Corner Shop",
        "CLAIM_LINK_HOURS": "168",
        "SHRED_AFTER_DAYS": "30",
        "SHRED_AFTER_DELIVERY_DAYS": "0",
        "ERASE_AFTER_DAYS": "0",
        "PUBLIC_URL_PARAMETER": "/cardvault/public-url",
    }


def orders_of(case: str) -> set[int]:
    if case.startswith(("list_orders/", "rewrap_data_keys/")):
        return {1, 2, 4, 6}
    if case.startswith("reconcile_orders/"):
        return {2, 4}
    text = json.dumps(EVENTS[case])
    linked = {number for token, number in ORDER_OF_LINK.items() if token in text}
    return linked | {number for number in ORDERS if order_id(number) in text}


def shredded(steps: Any) -> None:
    shred_cards(steps.stored_for(key="3", name="Ada"), caller(), clock=steps.clock)


def placed(steps: Any, number: int, status: str) -> None:
    steps.create(str(number))
    steps.supplier.placing.append(f"S{number}")
    steps.supplier.has(f"S{number}", status)
    steps.place(order_id(number))


def lost(steps: Any) -> None:
    steps.create("7")
    steps.supplier.placing.append(errors.PlacementUnknown())
    with pytest.raises(errors.PlacementUnknown):
        steps.place(order_id(7))
    steps.supplier.has("S7")


def mailed(steps: Any, number: int) -> None:
    """An order for a customer, and its links: one to be claimed, or claimed; and one of a file."""
    made = steps.stored_for(key=str(number), email=CUSTOMER, name="Ada")
    named = next(hash_token(token) for token, of in ORDER_OF_LINK.items() if of == number)
    OrderRecord(made, ORDER_KEY).update(
        [OrderRecord.mail_id.set(MAIL_ID), OrderRecord.link_hash.set(named)]
    )
    tables.use(steps.cloud.settings, AccessLink)
    recently = to_text(START + timedelta(minutes=55))
    sent = {"code_sent_at": recently, "codes_sent": 1, "code_hash": hash_code(LIVE, CODE)}
    session = hashlib.sha256(SESSION.encode()).hexdigest()
    claimed = {"state": State.USED, "used_at": recently, "session_hash": session}
    stored = {"object_key": "downloads/example.csv", "card_count": 3}
    for token, kind, facts in (
        (LIVE, Kind.CLAIM, sent),
        (USED, Kind.CLAIM, claimed),
        (FILE, Kind.DOWNLOAD, stored),
    ):
        if ORDER_OF_LINK[token] != number:
            continue
        AccessLink(
            hash_token(token),
            kind=kind,
            order_id=made,
            created_at=to_text(START),
            expires_at=to_text(START + timedelta(days=7)),
            purge_at=START + timedelta(days=37),
            **facts,
        ).save()


# The orders that the events speak of, by the last digit of their ids.
ORDERS: dict[int, Callable[[Any], Any]] = {
    1: lambda steps: steps.stored_order(key="1"),
    2: lambda steps: steps.create("2"),
    3: shredded,
    4: lambda steps: steps.stored_order(key="4", by=caller("bob")),
    5: lambda steps: placed(steps, 5, "HANDLING"),
    6: lambda steps: placed(steps, 6, "FULFILLED"),
    7: lost,
    8: lambda steps: mailed(steps, 8),
    9: lambda steps: mailed(steps, 9),
}


def speaks_of_gift_cards(case: str) -> bool:
    functions = ("expire_gift_cards/", "verify_ledger/", "anchor_ledger/")
    return case.startswith(functions) or PROGRAM_ID in json.dumps(EVENTS[case])


def make_gift_cards(steps: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program and its cards 1 to 6: spent from and held, full, pending, suspended, expired, full.

    The last digit of an id tells the card, that of a transaction its place on the card.
    """
    monkeypatch.setattr(define_programs, "new_id", lambda _: PROGRAM_ID)
    monkeypatch.setattr(holds, "new_id", lambda _: "695735a5000000000000d001")
    monkeypatch.setattr(security_code, "new_code", lambda: CODE)
    monkeypatch.setattr(posting, "_entry_id", lambda _, seq: f"695735a500000000{seq:08x}")
    shop = GiftShop.open(steps.cloud.settings, steps.clock)

    def new(number: int, **body: Any) -> str:
        digits = f"90000000000000{number}"
        monkeypatch.setattr(issue, "new_number", lambda: digits + check_digit(digits))
        monkeypatch.setattr(issue, "new_id", lambda _: f"695735a5000000000000c00{number}")
        return str(shop.new("100.00", **body)["id"])

    first = new(1)
    shop.do("activate", first)
    shop.do("resend-code", first)
    shop.redeem(first, "25.00")
    shop.do("holds", first, amount="10.00")
    shop.do("activate", new(2))
    new(3)
    fourth = new(4)
    shop.do("activate", fourth)
    shop.do("suspend", fourth, reason="reported lost")
    shop.do("activate", new(5, expiresAt=to_text(START + timedelta(minutes=30))))
    shop.do("activate", new(6))


def make_client(steps: Any) -> None:
    tables.use(steps.cloud.settings, ApiClient)
    ApiClient(
        "c" * 24,
        tenant_id="a" * 24,
        name="shop",
        scopes=["orders:read", "cards:reveal", "users:act-as"],
        secret_hash=hashlib.sha256(SECRET.encode()).hexdigest(),
        created_at="2026-01-02T03:04:05.000Z",
    ).save()
