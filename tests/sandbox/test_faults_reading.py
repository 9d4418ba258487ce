"""Faults that strike when an order is read: how it looks, and for how long."""

import json

import pytest
import requests

LIST = "/gift-cards/list"


def status(client, order_id):
    return client.check(order_id)["status"]


def test_slow_fulfilment_takes_as_long_as_it_says(client):
    order_id = client.place("FAULT_SLOW_FULFILMENT:120")
    client.clock.forward(119.9)
    assert status(client, order_id) == "HANDLING"
    client.clock.forward(0.1)
    assert status(client, order_id) == "FULFILLED"


def test_never_final_is_never_final(client):
    order_id = client.place("FAULT_NEVER_FINAL")
    client.clock.forward(10 * 365 * 86_400)
    assert status(client, order_id) == "HANDLING"
    assert "cards" not in client.get(LIST).json()["data"]["items"][0]


def test_unknown_status_shows_between_handling_and_final_without_cards(client):
    order_id = client.place("FAULT_UNKNOWN_STATUS:20")
    assert status(client, order_id) == "HANDLING"
    client.clock.forward(3)
    order = client.check(order_id)
    assert order["status"] == "PENDING_REVIEW"
    assert "cards" not in order
    client.clock.forward(20)
    assert status(client, order_id) == "FULFILLED"


def test_a_script_is_played_step_by_step_and_then_all_is_well(client):
    order_id = client.place("FAULT_SCRIPT:outage.handling.throttled.handling.blocked.x2")
    client.clock.forward(60)
    readings = [client.try_check(order_id) for _ in range(10)]
    assert [answer.status_code for answer in readings] == [500, 200, 429, 200, 403] * 2
    assert readings[2].headers["Retry-After"] == "0"
    assert [answer.json()["data"]["status"] for answer in readings[1::2][:2]] == ["HANDLING"] * 2
    assert "cards" not in readings[1].json()["data"]
    assert client.check(order_id)["status"] == "FULFILLED"


@pytest.mark.parametrize("script", ["", "sleeping", "outage..handling", "x3", "outage.x"])
def test_a_script_that_cannot_be_played_is_refused(client, script):
    if script:
        assert client.try_place(f"FAULT_SCRIPT:{script}").status_code == 400
    assert client.try_place("FAULT_SCRIPT:handling:list").status_code == 400


def test_changing_answer_gives_other_cards_at_each_reading(client):
    order_id = client.place_and_wait("FAULT_CHANGING_ANSWER", 3)
    readings = [client.check(order_id)["cards"] for _ in range(3)]
    readings.append(client.get(LIST).json()["data"]["items"][0]["cards"])
    values = [card["value"] for cards in readings for card in cards]
    assert [len(cards) for cards in readings] == [3, 3, 3, 3]
    assert len(set(values)) == 12
    assert client.sandbox.codes(order_id) == readings[-1]


def test_duplicate_codes_within_an_order(client):
    first, second = (client.place_and_wait("FAULT_DUPLICATE_CODES", 5) for _ in range(2))
    values = [card["value"] for card in client.check(first)["cards"]]
    assert values[0] == values[1] != values[2] == values[3] != values[4]
    assert len(set(values)) == 3
    assert not set(values) & {card["value"] for card in client.check(second)["cards"]}


def test_duplicate_codes_across_orders(client):
    first, second = (client.place_and_wait("FAULT_DUPLICATE_CODES:across", 2) for _ in range(2))
    cards = client.check(first)["cards"]
    assert cards == client.check(second)["cards"]
    assert cards[0] != cards[1]


def test_an_order_fault_can_be_armed_for_the_next_orders(client):
    client.sandbox.arm("never_final", times=1)
    cursed, ordinary = client.place_and_wait(), client.place_and_wait()
    assert status(client, cursed) == "HANDLING"
    assert status(client, ordinary) == "FULFILLED"


def test_malformed_json_is_200_holds_the_codes_and_does_not_parse(client):
    order_id = client.place_and_wait("FAULT_MALFORMED_JSON", 2)
    answer = client.try_check(order_id)
    assert answer.status_code == 200
    for card in client.sandbox.codes(order_id):
        assert card["value"] in answer.text
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)
    with pytest.raises(requests.JSONDecodeError) as caught:
        answer.json()
    assert "SANDBOX-CARD-" in caught.value.doc
    assert status(client, order_id) == "FULFILLED"


@pytest.mark.parametrize("armed", [False, True])
def test_malformed_json_waits_until_there_is_a_code_to_leak(client, armed):
    if armed:
        client.sandbox.arm("malformed_json", route="checkOrder")
    order_id = client.place("string" if armed else "FAULT_MALFORMED_JSON")
    for _ in range(3):
        assert status(client, order_id) == "HANDLING"
    client.clock.forward(3)
    with pytest.raises(requests.JSONDecodeError):
        client.try_check(order_id).json()
    assert status(client, order_id) == "FULFILLED"


def test_malformed_json_strikes_as_often_as_asked(client):
    order_id = client.place_and_wait("FAULT_MALFORMED_JSON:2")
    for _ in range(2):
        with pytest.raises(requests.JSONDecodeError):
            client.try_check(order_id).json()
    assert status(client, order_id) == "FULFILLED"


def test_malformed_json_on_the_list(client):
    client.place_and_wait()
    client.sandbox.arm("malformed_json", route="list")
    answer = client.get(LIST)
    assert "SANDBOX-CARD-" in answer.text
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_missing_fields_leaves_only_what_is_always_there(client):
    order_id = client.place("FAULT_MISSING_FIELDS", 3)
    order = client.check(order_id)
    assert (order["fulfilled_quantity"], order["fulfilled_amount"], order["cards"]) == (0, None, [])
    client.clock.forward(3)
    order = client.check(order_id)
    assert not {"product", "type", "price_per_card"} & set(order)
    assert order["fulfilled_amount"] is None
    assert all(card["value"].startswith("SANDBOX-CARD-") for card in order["cards"])
    assert ["serial" in card for card in order["cards"]] == [False, True, False]
    assert order["cards"][1]["serial"] is None


@pytest.mark.parametrize(
    "path", ["/gift-cards/catalog", "/gift-cards/checkProduct/6126393c6f57860f925a1983", LIST]
)
def test_missing_fields_takes_meta_and_request_id_off_any_route(client, path):
    client.sandbox.arm("missing_fields", times=1)
    body = client.get(path).json()
    assert set(body) == {"success", "data"}
    assert "region" not in json.dumps(body)
    assert set(client.get(path).json()) > {"success", "data"}


def test_request_faults_can_be_sent_to_the_reading_of_one_order(client):
    order_id = client.place("FAULT_SERVER_ERRORS:2:checkOrder")
    other = client.place("FAULT_SERVER_ERRORS:2:checkOrder")
    statuses = [client.try_check(order_id).status_code for _ in range(4)]
    assert statuses == [500, 503, 200, 200]
    assert client.try_check(other).status_code == 500


def test_the_wrong_key_can_show_up_while_polling(client):
    order_id = client.place("FAULT_WRONG_KEY:API_DISABLED:checkOrder")
    answer = client.try_check(order_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "API_DISABLED")


def test_a_reading_can_be_reset(client):
    order_id = client.place("FAULT_CONNECTION_RESET::checkOrder")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client.try_check(order_id)
