"""Each function of the gift cards, called as it is called on AWS."""

import json

import pytest

from cardvault.errors import InvalidRequest
from tests.support.handlers import CARD, PROGRAM, Context, event, load


@pytest.fixture
def call(shop, monkeypatch):
    def calling(folder, route, card_id=None, item=None, **changes):
        path = {"programId": shop.program.program_id, **(item or {})}
        if card_id:
            path["cardId"] = card_id
        answer = load(folder, shop, monkeypatch)(event(path, route, **changes), Context())
        body = answer["body"]
        return answer["statusCode"], json.loads(body) if body.startswith("{") else body

    return calling


def test_a_card_is_made_activated_and_listed(shop, call):
    wanted = {"initialValue": 10.5, "merchantId": "m1"}
    status, made = call("issue_gift_cards", f"POST {PROGRAM}/cards", body=wanted, key="k")
    assert (status, made["status"], made["initialValue"]) == (201, "pending", 10.5)
    route = f"POST {CARD}/activate"
    status, active = call("fund_gift_card", route, made["id"], body={}, key="k")
    assert (status, active["balance"]) == (200, 10.5)
    listing = f"GET {PROGRAM}/cards"
    status, found = call("list_gift_cards", listing, query={"status": "active", "limit": "1"})
    assert (status, [card["id"] for card in found["cards"]]) == (200, [made["id"]])


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"status": "lost"}, "status"),
        ({"positive_balance": "1"}, "positive_balance"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_malformed_list_request_is_named(call, query, named):
    status, told = call("list_gift_cards", f"GET {PROGRAM}/cards", query=query)
    assert (status, told["code"]) == (422, "VALIDATION_ERROR")
    assert named in told["error"]


@pytest.mark.parametrize("text", ["{", "[]", "", '"amount"'])
def test_a_body_that_is_no_json_object_has_the_status_of_a_wrong_field(shop, monkeypatch, text):
    handler = load("check_balance", shop, monkeypatch)
    path = {"programId": shop.program.program_id}
    asked = {**event(path, f"POST {PROGRAM}/balance-check"), "body": text}
    answer = handler(asked, Context())
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (422, "VALIDATION_ERROR")


def test_a_search_needs_something_to_look_for(call):
    status, told = call("list_gift_cards", f"GET {PROGRAM}/search")
    assert (status, told["error"]) == (422, "q is required")


def test_holds_and_refunds_have_paths_of_their_own(shop, call):
    card = shop.active("10.00")
    route, key = f"POST {CARD}/holds", "k"
    status, hold = call("spend_gift_card", route, card["id"], body={"amount": 4}, key=key)
    assert (status, hold["amountHeld"]) == (201, 4)
    route, item = f"POST {CARD}/holds/{{holdId}}/capture", {"holdId": hold["holdId"]}
    status, taken = call("spend_gift_card", route, card["id"], item, body={}, key=key)
    assert (status, taken["amountCaptured"], taken["holdId"]) == (200, 4, hold["holdId"])
    item = {"transactionId": taken["transactionId"]}
    route = f"POST {CARD}/transactions/{{transactionId}}/refund"
    status, back = call("spend_gift_card", route, card["id"], item, body={}, key=key)
    assert (status, back["remainingBalance"]) == (200, 10)


def test_staff_suspends_a_card(shop, call):
    card, route = shop.active("10.00"), f"POST {CARD}/suspend"
    status, told = call("manage_gift_card", route, card["id"], body={"reason": "lost"})
    assert (status, told["status"]) == (200, "suspended")


def test_a_balance_check_tells_when_to_come_back(shop, monkeypatch):
    handler = load("check_balance", shop, monkeypatch)
    path, body = (
        {"programId": shop.program.program_id},
        {"cardNumber": "9", "securityCode": "1" * 6},
    )
    answers = [handler(event(path, body=body), Context()) for _ in range(6)]
    assert [answer["statusCode"] for answer in answers] == [404] * 5 + [429]
    assert int(answers[-1]["headers"]["Retry-After"]) >= 1


def test_operators_make_programs_expire_and_verify(shop, monkeypatch):
    manage = load("manage_program", shop, monkeypatch)
    terms = {"name": "P", "tenantId": "a" * 24, "currency": "GBP", "maxBalance": 500.0}
    with pytest.raises(InvalidRequest, match="maxInitialValue must not pass maxBalance"):
        manage({"action": "create", **terms}, Context())
    made = manage({"action": "create", **terms, "maxInitialValue": 250.55}, Context())
    assert made["maxInitialValue"] == made["maxInitialValue"].quantize(made["maxBalance"])
    changed = manage(
        {"action": "update", "programId": made["programId"], "maxReload": 10}, Context()
    )
    assert changed["maxReload"] == 10
    assert manage({"action": "get", "programId": made["programId"]}, Context()) == changed
    for wrong in ({}, {"action": "delete"}, {"action": "create", **terms, "currency": "JPY"}):
        with pytest.raises(InvalidRequest):
            manage(wrong, Context())
    shop.active("1.00")
    posted = load("expire_gift_cards", shop, monkeypatch)({}, Context())
    assert posted == {"posted": 0, "more": False}
    verified = load("verify_ledger", shop, monkeypatch)({}, Context())
    assert verified == {"cards": 1, "differences": []}
