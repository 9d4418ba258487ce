"""Get Gift Card Details, to the letter, through the function itself (I6)."""

import json
import re

import pytest

from tests.support.giftcards import OTHER_TENANT
from tests.support.handlers import CARD, Context, event, load

PUBLISHED_FIELDS = {
    "id": str,
    "cardNumber": str,
    "lastFourDigits": str,
    "balance": float,
    "initialValue": float,
    "status": str,
    "createdAt": str,
    "updatedAt": str,
    "activatedAt": str,
    "expiresAt": str,
    "customerId": str,
    "customerEmail": str,
    "customerName": str,
    "merchantId": str,
    "isPhysical": bool,
    "designTemplate": str,
    "customMessage": str,
}
TRANSACTION_FIELDS = {
    "id": str,
    "transactionType": str,
    "amount": float,
    "balanceBefore": float,
    "balanceAfter": float,
}


@pytest.fixture
def get(shop, monkeypatch):
    handler = load("get_gift_card", shop, monkeypatch)

    def call(card_id, program_id=None, **changes):
        path = {"programId": program_id or shop.program.program_id, "cardId": card_id}
        answer = handler(event(path, **changes), Context())
        return answer["statusCode"], answer["body"], answer["headers"]

    return call


@pytest.fixture
def card(shop):
    made = shop.active(
        "100.00",
        customerId="customer_456",
        customerEmail="john@example.com",
        customerName="John Doe",
        designTemplate="birthday",
        customMessage="Happy Birthday!",
    )
    shop.redeem(made["id"], "25.50")
    return made


def test_the_answer_is_the_published_apis(get, card):
    status, body, headers = get(card["id"])
    shown = json.loads(body)
    assert status == 200
    assert {name: type(shown[name]) for name in PUBLISHED_FIELDS} == PUBLISHED_FIELDS
    assert list(shown)[:2] == ["id", "cardNumber"]
    assert re.fullmatch(r"[0-9]{16}", shown["cardNumber"])
    assert shown["cardNumber"].endswith(shown["lastFourDigits"])
    assert '"balance":74.50,"initialValue":100.00,"status":"active"' in body
    assert all(shown[name].endswith("Z") for name in PUBLISHED_FIELDS if name.endswith("At"))
    assert "transactions" not in shown
    assert headers["Cache-Control"] == "no-store"


def test_transactions_come_when_asked_for_newest_first_and_all(get, shop, card):
    for _ in range(30):
        shop.redeem(card["id"], "0.01")
    _, body, _ = get(card["id"], query={"include_transactions": "true"})
    entries = json.loads(body)["transactions"]
    assert len(entries) == 33
    assert {name: type(entries[0][name]) for name in TRANSACTION_FIELDS} == TRANSACTION_FIELDS
    assert '"amount":-25.50,"balanceBefore":100.00,"balanceAfter":74.50' in body
    moments = [entry["createdAt"] for entry in entries]
    assert moments == sorted(moments, reverse=True)
    assert sum(round(entry["amount"] * 100) for entry in entries) == 7450 - 30


def test_the_security_code_is_in_no_answer(get, shop, card):
    code = shop.do("resend-code", card["id"])["securityCode"]
    _, body, _ = get(card["id"], query={"include_transactions": "true"})
    assert "ecurityCode" not in body
    assert code not in re.sub(r"[0-9a-f]{24}|[0-9]{16}", "", body)


@pytest.mark.parametrize(
    ("program_id", "card_id", "query", "named"),
    [
        ("5eb7cf5a86d9755df3a6c59", None, None, "programId"),
        (None, "5EB7CF5A86D9755DF3A6C593", None, "cardId"),
        (None, "nonsense", None, "cardId"),
        (None, None, {"include_transactions": "maybe"}, "include_transactions"),
        (None, None, {"transactions": "true"}, "transactions is not known"),
    ],
)
def test_what_is_malformed_is_422_and_named(get, card, program_id, card_id, query, named):
    status, body, _ = get(card_id or card["id"], program_id, query=query)
    assert status == 422
    told = json.loads(body)
    assert named in told["error"]
    assert (told["code"], told["requestId"]) == ("VALIDATION_ERROR", "r-1")


def test_i6_absent_elsewhere_and_anothers_are_one_answer(get, shop, card):
    other_program = shop.another().program.program_id
    answers = [
        get("0" * 24),
        get(card["id"], other_program),
        get(card["id"], "0" * 24),
        get(card["id"], tenant=OTHER_TENANT),
        get(card["id"], sub="alice"),
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 404
    assert json.loads(answers[0][1])["code"] == "GIFT_CARD_NOT_FOUND"


def test_i6_a_customer_sees_a_card_of_their_own(get, card):
    assert get(card["id"], sub="customer_456")[0] == 200


def test_transactions_are_paged_and_exported(get, shop, card):
    route = f"GET {CARD}/transactions"
    first = json.loads(get(card["id"], route=route, query={"limit": "2"})[1])
    rest = json.loads(
        get(card["id"], route=route, query={"limit": "2", "cursor": first["nextCursor"]})[1]
    )
    assert "nextCursor" not in rest
    found = [entry["transactionType"] for entry in first["transactions"] + rest["transactions"]]
    assert found == ["REDEMPTION", "ACTIVATION", "PURCHASE"]
    _, csv, headers = get(card["id"], route=f"{route}.csv")
    assert headers["Content-Type"].startswith("text/csv")
    assert len(csv.split("\r\n")) == 5
    assert ',"-25.50","100.00","74.50","EUR",' in csv


def test_i6_a_users_token_moves_nothing(shop, card, monkeypatch):
    handler = load("spend_gift_card", shop, monkeypatch)
    path = {"programId": shop.program.program_id, "cardId": card["id"]}
    route = f"POST {CARD}/redeem"
    wanted = {"route": route, "body": {"amount": 1}, "key": "k"}
    assert handler(event(path, sub="customer_456", **wanted), Context())["statusCode"] == 403
    answer = handler(event(path, **wanted), Context())
    assert answer["statusCode"] == 200
    assert '"amountRedeemed":1.00,"remainingBalance":73.50' in answer["body"]


@pytest.mark.parametrize(
    ("body", "key", "status", "code"),
    [
        ({"amount": 1}, None, 422, "VALIDATION_ERROR"),
        ({}, "k", 422, "VALIDATION_ERROR"),
        ({"amount": 1, "tip": 1}, "k", 422, "VALIDATION_ERROR"),
        ({"amount": 74.51}, "k", 400, "INSUFFICIENT_FUNDS"),
    ],
)
def test_a_refusal_says_what_and_why(shop, card, monkeypatch, body, key, status, code):
    handler = load("spend_gift_card", shop, monkeypatch)
    path = {"programId": shop.program.program_id, "cardId": card["id"]}
    answer = handler(event(path, route=f"POST {CARD}/redeem", body=body, key=key), Context())
    told = json.loads(answer["body"])
    assert (answer["statusCode"], told["code"]) == (status, code)
    if status == 400:
        assert '"available":74.50' in answer["body"]
