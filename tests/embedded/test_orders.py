"""Orders through the real state machine: every ending, every fault, on the embedded stack."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import pytest
import requests

PRODUCT = "507f1f77bcf86cd799439011"


def place(alice, type_id="PSN-500", quantity=3, key=None):
    answer = alice.order(
        key or uuid.uuid4().hex, productId=PRODUCT, typeId=type_id, quantity=quantity
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["orderId"]


def bought(vault, product_id):
    """What the supplier really sold of a product."""
    return [order for order in vault.supplier.orders() if order["productId"] == product_id]


def supplier_codes(vault, order):
    cards = vault.supplier.codes(order["supplierOrderId"])
    return [(card["value"], card["serial"]) for card in cards]


def shown_codes(alice, order_id):
    cards, cursor = [], "0"
    while cursor:
        page = alice.get(order_id, "/cards", cursor=cursor)
        assert page.status_code == 200, page.text
        cards += page.json()["cards"]
        cursor = page.json().get("nextCursor")
    assert [card["cardNumber"] for card in cards] == list(range(1, len(cards) + 1))
    return [(card["code"], card["serial"]) for card in cards]


# --- every ending ---


def test_a_fulfilled_order_shows_its_owner_the_suppliers_codes(vault, alice):
    order_id = place(alice)
    order = alice.settled(order_id)
    assert (order["status"], order["fulfilledQuantity"]) == ("fulfilled", 3)
    assert shown_codes(alice, order_id) == supplier_codes(vault, order)


def test_answers_have_their_shapes_and_messages(vault, alice):
    order_id = place(alice, "FAULT_SLOW_FULFILMENT:20")
    early = alice.get(order_id, "/cards")
    assert (early.status_code, early.json()["error"]) == (400, "Order not fulfilled yet")
    unknown = alice.get("0" * 24, "/cards")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "Order not found")
    settled = place(alice)
    alice.settled(settled)
    answer = alice.get(settled, "/cards")
    assert set(answer.json()) == {"orderId", "cards"}
    assert set(answer.json()["cards"][0]) == {"cardNumber", "code", "serial"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_partial_fill_delivers_what_came(vault, alice):
    order_id = place(alice, "TEST_PARTIAL", 5)
    order = alice.settled(order_id)
    assert order["status"] == "partially_filled"
    assert order["fulfilledQuantity"] + order["refundedQuantity"] == 5
    assert shown_codes(alice, order_id) == supplier_codes(vault, order)


def test_a_refund_shows_no_cards(alice):
    order = alice.settled(place(alice, "TEST_REFUND"))
    assert (order["status"], order["refundedQuantity"]) == ("refunded", 3)
    assert alice.get(order["orderId"], "/cards").status_code == 400


def test_an_order_adopted_from_the_supplier(vault):
    headers = {"X-Access-Token": vault.supplier.key}
    bought_there = requests.post(
        f"{vault.supplier.url}/gift-cards/placeOrder",
        json={"productId": PRODUCT, "typeId": "ELSEWHERE", "quantity": 2},
        headers=headers,
        timeout=60,
    ).json()["data"]["orderId"]
    scopes = ("orders:read", "orders:write", "orders:adopt", "cards:reveal")
    adopter = vault.shop(scopes=scopes).user()
    order_id = adopter.order(uuid.uuid4().hex, supplierOrderId=bought_there).json()["orderId"]
    order = adopter.settled(order_id)
    assert (order["status"], order["quantity"], order["typeId"]) == ("fulfilled", 2, "ELSEWHERE")
    taken = vault.shop(scopes=scopes).user().order(uuid.uuid4().hex, supplierOrderId=bought_there)
    assert (taken.status_code, taken.json()["code"]) == (409, "SUPPLIER_ORDER_TAKEN")


def test_ten_thousand_cards_go_through_and_come_out_page_by_page(vault, alice):
    order_id = place(alice, "BIG", 10_000)
    order = alice.settled(order_id)
    assert order["fulfilledQuantity"] == 10_000
    assert shown_codes(alice, order_id) == supplier_codes(vault, order)


# --- I3: placed once, whatever happens ---


@pytest.mark.parametrize(
    "fault",
    [
        "FAULT_ERROR_AFTER_COMMIT",
        "FAULT_CONNECTION_RESET:after",
        "FAULT_MALFORMED_JSON:1:placeOrder",
    ],
)
def test_a_lost_answer_ends_in_exactly_one_supplier_order(vault, alice, fault):
    product = uuid.uuid4().hex[:24]
    answer = alice.order(uuid.uuid4().hex, productId=product, typeId=fault, quantity=2)
    order = alice.settled(answer.json()["orderId"])
    assert order["status"] == "fulfilled"
    assert len(bought(vault, product)) == 1
    assert shown_codes(alice, order["orderId"]) == supplier_codes(vault, order)


def test_a_place_order_that_times_out_after_commit_is_one_supplier_order(vault, alice):
    product = uuid.uuid4().hex[:24]
    answer = alice.order(
        uuid.uuid4().hex, productId=product, typeId="FAULT_TIMEOUT_AFTER_COMMIT:40", quantity=2
    )
    order = alice.settled(answer.json()["orderId"])
    assert order["status"] == "fulfilled"
    assert len(bought(vault, product)) == 1


def test_fifty_at_once_with_one_key_are_one_order(vault, alice, key):
    product = uuid.uuid4().hex[:24]
    wanted = {"productId": product, "typeId": "RACE", "quantity": 1}
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: alice.order(key, **wanted), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    (order_id,) = {answer.json()["orderId"] for answer in answers}
    assert alice.settled(order_id)["status"] == "fulfilled"
    assert len(bought(vault, product)) == 1
    other = alice.order(key, **{**wanted, "quantity": 2})
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


# --- faults that pass, and faults that need a person ---


@pytest.mark.parametrize(
    "type_id",
    [
        "FAULT_RATE_LIMITED:1",
        "FAULT_RATE_LIMITED:1:checkOrder",
        "FAULT_SERVER_ERRORS:2:checkOrder",
        "FAULT_MALFORMED_JSON:2",
        "FAULT_MISSING_FIELDS",
        "FAULT_UNKNOWN_STATUS:3",
    ],
)
def test_a_fault_that_passes_ends_in_cards(vault, alice, type_id):
    order = alice.settled(place(alice, type_id, 2))
    assert order["status"] == "fulfilled", order


def test_connections_that_break_while_polling_and_storing_are_taken_up_again(vault, alice):
    vault.supplier.arm("connection_reset", "before", times=3, route="checkOrder")
    order = alice.settled(place(alice, quantity=2))
    assert order["status"] == "fulfilled", order


@pytest.mark.parametrize(
    ("type_id", "reason"),
    [
        ("FAULT_OUT_OF_STOCK", "SUPPLIER_OUT_OF_STOCK"),
        ("FAULT_NO_BALANCE", "SUPPLIER_BALANCE_TOO_LOW"),
        ("FAULT_DUPLICATE_CODES", "DUPLICATE_CARDS"),
    ],
)
def test_a_fault_that_stays_needs_a_person_and_says_why(alice, type_id, reason):
    order = alice.settled(place(alice, type_id, 2))
    assert (order["status"], order["attentionReason"]) == ("attention", reason)


def test_an_answer_that_changes_before_it_is_stored_is_stored_as_it_then_was(alice):
    order = alice.settled(place(alice, "FAULT_CHANGING_ANSWER", 2))
    assert order["status"] == "fulfilled"


@contextmanager
def deadline(vault, seconds):
    """How long the workflow waits meanwhile."""
    client = vault.stack.client("lambda")
    (function,) = (
        function
        for page in client.get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if "FULFILMENT_DEADLINE_SECONDS" in function.get("Environment", {}).get("Variables", {})
    )
    name, variables = function["FunctionName"], function["Environment"]["Variables"]
    meanwhile = {**variables, "FULFILMENT_DEADLINE_SECONDS": seconds}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": meanwhile})
    try:
        yield
    finally:
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )


def test_an_order_that_takes_too_long_is_given_up_and_a_redrive_ends_it_right(vault, alice):
    with deadline(vault, "0"):
        order_id = place(alice, "FAULT_SLOW_FULFILMENT:15")
        order = alice.settled(order_id)
    assert (order["status"], order["attentionReason"]) == ("attention", "FULFILMENT_OVERDUE")
    vault.redrive(order_id)
    redriven = list(alice.follow(order_id, until=lambda o: o["status"] == "fulfilled"))[-1]
    assert "attentionReason" not in redriven
    assert shown_codes(alice, order_id) == supplier_codes(vault, redriven)


# --- I6: nobody else ---


def test_two_tenants_and_two_users_cannot_see_each_other(vault, shop, alice):
    order_id = place(alice)
    alice.settled(order_id)
    strangers = [shop.user("bob"), vault.shop("other").user("alice")]
    for stranger in strangers:
        for what in ("", "/cards", "/audit"):
            theirs, unknown = stranger.get(order_id, what), stranger.get("f" * 24, what)
            assert theirs.status_code == unknown.status_code == 404
            assert {**theirs.json(), "requestId": 0} == {**unknown.json(), "requestId": 0}
        assert order_id not in stranger.call("GET", "/api/orders").text
    events = [event["event"] for event in alice.get(order_id, "/audit").json()["events"]]
    assert events.count("REVEAL_REFUSED") == 2


def test_no_token_a_forged_one_or_one_without_the_scope_gets_nowhere(vault, shop, alice):
    url = f"{vault.api_url}/api/orders"
    assert requests.get(url, timeout=60).status_code == 401
    forged = alice.access_token[:-8] + "AAAAAAAA"
    assert (
        requests.get(url, headers={"Authorization": f"Bearer {forged}"}, timeout=60).status_code
        == 401
    )
    reader = shop.user("reader", scope="orders:read")
    order_id = place(alice)
    assert reader.get(order_id, "/cards").status_code == 403
    assert reader.order("k", productId="P", typeId="T", quantity=1).status_code == 403


# --- answers to bad input ---


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"typeId": "T", "quantity": 1}, "productId"),
        ({"productId": "P", "typeId": "T", "quantity": "3"}, "quantity"),
        ({"productId": "P", "typeId": "T", "quantity": 0}, "quantity"),
        ({"productId": "P", "typeId": "T T", "quantity": 1}, "typeId"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(alice, key, body, field):
    answer = alice.order(key, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert field in answer.json()["error"]
    assert answer.json()["requestId"]


def test_a_body_that_is_no_json_and_a_missing_key_are_400(alice):
    headers = {"Idempotency-Key": "k"}
    assert alice.call("POST", "/api/orders", data="{", headers=headers).status_code == 400
    keyless = alice.call(
        "POST", "/api/orders", json={"productId": "P", "typeId": "T", "quantity": 1}
    )
    assert (keyless.status_code, "Idempotency-Key" in keyless.text) == (400, True)


def test_orders_are_listed_newest_first_page_by_page(alice):
    made = [place(alice, quantity=1) for _ in range(3)]
    first = alice.call("GET", "/api/orders", params={"limit": 2}).json()
    rest = alice.call(
        "GET", "/api/orders", params={"limit": 2, "cursor": first["nextCursor"]}
    ).json()
    assert {o["orderId"] for o in first["orders"] + rest["orders"]} == set(made)
    assert alice.call("GET", "/api/orders", params={"limit": 0}).status_code == 400


def test_an_untouched_trail_holds_end_to_end(vault, alice):
    order_id = place(alice)
    alice.settled(order_id)
    alice.get(order_id, "/cards")
    events = [{"chained": False}]
    while not all(event["chained"] for event in events):
        events = alice.get(order_id, "/audit").json()["events"]
    assert [event["event"] for event in events] == [
        "ORDER_CREATED",
        "ORDER_PLACING",
        "ORDER_PLACED",
        "ORDER_HANDLING",
        "CARDS_STORING",
        "CARDS_STORED",
        "CARDS_DELIVERED",
    ]
    assert events[-1]["method"] == "in-app"
    for before, after in pairwise(events):
        assert after["previousHash"] == before["hash"]
