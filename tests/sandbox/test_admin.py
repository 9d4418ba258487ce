"""The sandbox's own routes: counts, orders, codes, faults, canary, reset, and their key."""

import pytest
import requests

ROUTES = [
    ("GET", "requests"),
    ("GET", "orders"),
    ("GET", "codes/" + "0" * 24),
    ("GET", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("POST", "canary"),
    ("POST", "reset"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_admin_route_wants_the_key(client, method, path):
    client.place()
    for key in ("", "wrong"):
        answer = client.admin(method, path, key=key)
        assert (answer.status_code, set(answer.json())) == (401, {"error"})
    assert len(client.sandbox.orders()) == 1


def test_no_page_of_another_origin_may_read_the_answers(client):
    for url in (client.sandbox.url + "/ping", client.sandbox.origin + "/_sandbox/orders"):
        answer = requests.get(url, headers={"Origin": "http://evil.example"}, timeout=60)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_wrong_admin_keys_do_not_lock_the_supplier_routes(client):
    for _ in range(6):
        client.admin("GET", "orders", key="wrong")
    assert client.get("/validate").status_code == 200


def test_requests_are_counted_by_route_and_by_order(client):
    order_id = client.place("t", 1, "p")
    other = client.place("t", 1, "p")
    for _ in range(3):
        client.check(order_id)
    client.get("/gift-cards/list")
    client.get("/nowhere")
    counts = client.admin("GET", "requests").json()
    assert counts == client.sandbox.counts()
    assert counts["routes"] == {"placeOrder": 2, "checkOrder": 3, "list": 1, "unknown": 1}
    assert counts["placed"] == {"p/t": {"asked": 2, "committed": 2}}
    assert counts["orders"][order_id] == {"checks": 3, "listed": 1}
    assert counts["orders"][other] == {"checks": 0, "listed": 1}


def test_counts_tell_a_second_post_from_a_second_purchase(client):
    client.try_place("FAULT_SERVER_ERRORS:1", 1, "p")
    client.try_place("FAULT_SERVER_ERRORS:1", 1, "p")
    placed = client.sandbox.counts()["placed"]["p/FAULT_SERVER_ERRORS:1"]
    assert placed == {"asked": 2, "committed": 1}


def test_refused_requests_are_counted_too(client):
    order_id = client.place()
    client.sandbox.arm("server_errors", "2")
    assert [client.try_check(order_id).status_code for _ in range(2)] == [500, 503]
    requests.get(client.sandbox.url + "/gift-cards/list", timeout=60)
    counts = client.sandbox.counts()
    assert counts["routes"]["checkOrder"] == 2
    assert counts["routes"]["list"] == 1
    assert counts["orders"][order_id]["checks"] == 2


def test_orders_are_told_without_codes(client):
    order_id = client.place_and_wait("FAULT_CHANGING_ANSWER", 2)
    answer = client.admin("GET", "orders")
    (order,) = answer.json()["orders"]
    assert order["orderId"] == order_id
    assert (order["productId"], order["typeId"]) == ("string", "FAULT_CHANGING_ANSWER")
    assert (order["quantity"], order["status"]) == (2, "FULFILLED")
    assert "SANDBOX-" not in answer.text


def test_codes_are_told_without_counting_as_a_reading(client):
    order_id = client.place_and_wait("FAULT_CHANGING_ANSWER", 2)
    told = [client.admin("GET", f"codes/{order_id}").json()["cards"] for _ in range(2)]
    assert told[0] == told[1] == client.check(order_id)["cards"]
    assert client.sandbox.counts()["orders"][order_id]["checks"] == 1
    assert client.admin("GET", "codes/" + "0" * 24).status_code == 404


def test_faults_are_armed_listed_used_and_taken_away(client):
    armed = client.admin(
        "POST", "faults", {"mode": "rate_limited", "argument": "9", "times": 2, "route": "list"}
    ).json()
    assert armed == {
        "id": armed["id"],
        "mode": "rate_limited",
        "argument": "9",
        "route": "list",
        "times": 2,
        "used": 0,
    }
    client.admin("POST", "faults", {"mode": "never_final"})
    assert client.get("/gift-cards/list").headers["Retry-After"] == "9"
    listed = client.admin("GET", "faults").json()
    assert [(f["mode"], f["used"]) for f in listed["armed"]] == [
        ("rate_limited", 1),
        ("never_final", 0),
    ]
    assert client.admin("DELETE", f"faults/{armed['id']}").json() == {"removed": 1}
    assert client.get("/gift-cards/list").status_code == 200
    assert client.admin("DELETE", "faults").json() == {"removed": 1}
    assert client.admin("GET", "faults").json()["armed"] == []


def test_a_fault_used_up_is_listed_no_longer(client):
    client.admin("POST", "faults", {"mode": "rate_limited", "times": 1})
    assert client.get("/account/balance").status_code == 429
    assert client.get("/account/balance").status_code == 200
    assert client.admin("GET", "faults").json()["armed"] == []


def test_the_modes_are_listed_for_a_console(client):
    modes = client.admin("GET", "faults").json()["modes"]
    slow = next(mode for mode in modes if mode["name"] == "slow_fulfilment")
    assert slow["typeId"] == "FAULT_SLOW_FULFILMENT"
    assert (slow["argument"], slow["default"]) == ("seconds", "30")
    assert all(mode["description"] for mode in modes)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "no_such"},
        {"mode": 7},
        {"mode": "slow_fulfilment", "argument": "soon"},
        {"mode": "rate_limited", "times": 0},
        {"mode": "rate_limited", "times": "2"},
        {"mode": "rate_limited", "times": True},
        {"mode": "rate_limited", "route": "nowhere"},
        {"mode": "out_of_stock", "route": "list"},
        [],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(client, body):
    answer = client.admin("POST", "faults", body)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert client.admin("GET", "faults").json()["armed"] == []


def test_numbers_may_be_given_as_an_argument(client):
    client.admin("POST", "faults", {"mode": "slow_fulfilment", "argument": 60})
    order_id = client.place_and_wait()
    assert client.check(order_id)["status"] == "HANDLING"


def test_the_canary_is_set_over_http(client):
    assert client.admin("POST", "canary", {"prefix": "LEAK7"}).json() == {"prefix": "LEAK7"}
    assert client.check(client.place_and_wait())["cards"][0]["value"].startswith("LEAK7-CARD-")
    for prefix in ("", "x" * 65, 7, None):
        assert client.admin("POST", "canary", {"prefix": prefix}).status_code == 400


def test_reset_forgets_everything_and_keeps_the_key(started):
    client = started(production_like=True)
    client.place("TEST_REFUND", 2)
    client.sandbox.arm("never_final")
    client.sandbox.canary("LEAK")
    for _ in range(5):
        requests.get(
            client.sandbox.url + "/validate", headers={"X-Access-Token": "wrong"}, timeout=60
        )
    assert client.admin("POST", "reset").json() == {"reset": True}
    assert client.sandbox.counts() == {"routes": {}, "placed": {}, "orders": {}}
    assert client.get("/account/balance").json()["data"]["balance"] == 50_000
    card = client.check(client.place_and_wait("TEST_X"))["cards"][0]
    assert card["value"].startswith("SANDBOX-CARD-")


def test_an_unknown_admin_route_is_404(client):
    assert client.admin("GET", "nowhere").status_code == 404
    assert client.admin("DELETE", "requests").status_code == 404
