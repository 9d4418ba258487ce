"""The envelope, the key and the routes that touch no order."""

import re

import pytest
import requests

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
REQUEST_ID = re.compile(r"req_\d+_[0-9a-z]{6}")
PSN = "6126393c6f57860f925a1983"


def refusal(answer):
    """Status and code, after checking that the error envelope is whole and nothing more."""
    body = answer.json()
    assert body["success"] is False
    assert set(body) == {"success", "error", "requestId"}
    assert REQUEST_ID.fullmatch(body["requestId"])
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize(
    ("path", "meta", "request_id"),
    [
        ("/ping", True, False),
        ("/validate", False, False),
        ("/account/balance", True, False),
        ("/account/transactions", True, True),
        ("/gift-cards/catalog", True, False),
        (f"/gift-cards/checkProduct/{PSN}", True, True),
        ("/gift-cards/list", True, False),
    ],
)
def test_meta_and_request_id_are_present_only_where_the_contract_shows_them(
    client, path, meta, request_id
):
    answer = client.get(path)
    body = answer.json()
    assert (answer.status_code, body["success"]) == (200, True)
    assert isinstance(body["data"], dict)
    assert ("meta" in body, "requestId" in body) == (meta, request_id)
    if meta:
        assert STAMP.fullmatch(body["meta"]["timestamp"])


def test_order_routes_have_the_envelope_of_the_contract(client):
    placed = client.try_place().json()
    assert set(placed) == {"success", "data", "meta", "requestId"}
    assert set(placed["data"]) == {"orderId"}
    assert set(client.try_check(placed["data"]["orderId"]).json()) == {"success", "data"}


def test_timestamp_is_the_clock_in_milliseconds(client):
    client.clock.now = 1_761_698_213.0304
    assert client.get("/ping").json()["meta"]["timestamp"] == "2025-10-29T00:36:53.030Z"


def test_validate_tells_key_type_and_scope(client, real_money):
    key = client.get("/validate").json()["data"]["apiKey"]
    assert key == {
        "key": client.sandbox.key,
        "isEnabled": True,
        "type": "SANDBOX",
        "allowedips": [],
        "scope": "READ-WRITE",
    }
    assert real_money.get("/validate").json()["data"]["apiKey"]["type"] == "PRODUCTION"


def test_catalog_has_titles_optional_regions_and_totals_beside_the_data(client):
    body = client.get("/gift-cards/catalog").json()
    categories = body["data"]["categories"]
    products = [product for category in categories for product in category["products"]]
    assert {"PSN", "Mobile & Internet"} <= {category["title"] for category in categories}
    assert body["totalCategories"] == len(categories)
    assert body["totalProducts"] == len(products)
    assert {"id": PSN, "title": "PSN Germany", "enabled": True, "region": "germany"} in products
    assert any("region" not in product for product in products)
    assert any(not product["enabled"] for product in products)


def test_check_product_lists_types_with_price_and_stock(client):
    data = client.get(f"/gift-cards/checkProduct/{PSN}").json()["data"]
    assert (data["productId"], data["productTitle"]) == (PSN, "PSN Germany")
    first = data["types"][0]
    assert first == {
        "id": "6126393c6f57860f925a1984",
        "name": "PSN 10 EUR",
        "price": 2000,
        "quantity": 150,
    }
    assert any(kind["quantity"] == 0 for kind in data["types"])
    assert any(kind["price"] != int(kind["price"]) for kind in data["types"])


def test_unknown_things_are_404_in_the_envelope(client):
    assert refusal(client.get("/gift-cards/checkProduct/nothing")) == (404, "NOT_FOUND")
    assert refusal(client.try_check("0" * 24)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("GET", "/gift-cards/placeOrder"),
        ("POST", "/gift-cards/list"),
        ("DELETE", "/gift-cards/checkOrder/1"),
        ("GET", "/gift-cards/checkOrder/"),
    ],
)
def test_the_router_knows_no_envelope(client, method, path):
    answer = client.session.request(method, client.sandbox.url + path, timeout=60)
    assert answer.status_code == 404
    assert set(answer.json()) == {"message", "error", "statusCode"}
    assert answer.json()["statusCode"] == 404


def test_ping_needs_no_key_and_every_other_route_does(client):
    paths = ["/validate", "/account/balance", "/account/transactions", "/gift-cards/catalog"]
    paths += ["/gift-cards/checkProduct/1", "/gift-cards/checkOrder/1", "/gift-cards/list"]
    assert requests.get(client.sandbox.url + "/ping", timeout=60).status_code == 200
    for path in paths:
        answer = requests.get(client.sandbox.url + path, timeout=60)
        assert refusal(answer) == (401, "MISSING_ACCESS_TOKEN"), path
    answer = requests.post(client.sandbox.url + "/gift-cards/placeOrder", json={}, timeout=60)
    assert refusal(answer) == (401, "MISSING_ACCESS_TOKEN")


def test_the_key_goes_in_its_own_header_not_in_authorization(client):
    headers = {"Authorization": f"Bearer {client.sandbox.key}"}
    answer = requests.get(client.sandbox.url + "/validate", headers=headers, timeout=60)
    assert refusal(answer) == (401, "MISSING_ACCESS_TOKEN")


def test_five_wrong_keys_lock_everyone_out_for_fifteen_minutes(client):
    left = []
    for _ in range(5):
        answer = client.session.get(
            client.sandbox.url + "/validate", headers={"X-Access-Token": "wrong"}, timeout=60
        )
        assert refusal(answer) == (401, "INVALID_ACCESS_TOKEN")
        left.append(answer.json()["error"]["details"]["attemptsLeft"])
    assert left == [4, 3, 2, 1, 0]
    assert refusal(client.get("/validate")) == (403, "IP_BLOCKED")
    client.clock.forward(15 * 60 - 1)
    assert refusal(client.get("/validate")) == (403, "IP_BLOCKED")
    client.clock.forward(1)
    assert client.get("/validate").status_code == 200


def test_a_right_key_clears_the_wrong_ones_before_it(client):
    for _ in range(3):
        for _ in range(4):
            requests.get(
                client.sandbox.url + "/validate", headers={"X-Access-Token": "wrong"}, timeout=60
            )
        assert client.get("/validate").status_code == 200


GOOD = {"productId": "p", "typeId": "t", "quantity": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"productId": None},
        {"productId": ""},
        {"productId": 7},
        {"typeId": None},
        {"typeId": ["t"]},
        {"quantity": None},
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 1.5},
        {"quantity": "1"},
        {"quantity": True},
        {"quantity": 100_001},
    ],
)
def test_a_bad_placement_is_refused_and_buys_nothing(client, change):
    assert refusal(client.post({**GOOD, **change})) == (400, "ERR_VALIDATION")
    assert client.sandbox.orders() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(client, body):
    url = client.sandbox.url + "/gift-cards/placeOrder"
    assert refusal(client.session.post(url, data=body, timeout=60)) == (400, "ERR_VALIDATION")


def test_unknown_body_keys_are_stripped_so_a_ref_does_not_make_placing_idempotent(client):
    body = {**GOOD, "ref": "once", "note": "x"}
    first, second = client.post(body).json(), client.post(body).json()
    assert first["data"]["orderId"] != second["data"]["orderId"]


def test_a_connection_is_kept_alive_across_errors_with_a_body(client):
    url = client.sandbox.url + "/nowhere"
    with requests.Session() as session:
        for _ in range(3):
            session.post(url, json={"unread": "x" * 5000}, timeout=60)
        pools = session.get_adapter(url).poolmanager.pools
        (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118 - not a dict
        assert (pool.num_requests, pool.num_connections) == (3, 1)


def test_an_oversized_body_is_refused_unread(client):
    url = client.sandbox.url + "/gift-cards/placeOrder"
    headers = {"Content-Length": str(2 << 20), "X-Access-Token": client.sandbox.key}
    prepared = requests.Request("POST", url, headers=headers, data=b"").prepare()
    prepared.headers["Content-Length"] = str(2 << 20)
    with requests.Session() as session:
        assert refusal(session.send(prepared, timeout=60)) == (413, "PAYLOAD_TOO_LARGE")
