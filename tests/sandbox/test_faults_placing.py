"""Faults that strike while an order is placed: what was bought, and what the client sees."""

import time

import pytest
import requests

import local.sandbox
from local.sandbox import FAULTS
from local.sandbox.fault_modes import MODES


def refused(answer):
    return answer.status_code, answer.json()["error"]["code"]


def committed(client):
    return len(client.sandbox.orders())


@pytest.fixture(params=["type", "armed"])
def place_with(request, client):
    """Place an order under a fault, chosen by its typeId or armed for the next request."""

    def place(name, argument="", timeout=60):
        if request.param == "armed":
            client.sandbox.arm(name, argument, times=1)
            return client.try_place(timeout=timeout)
        return client.try_place(f"FAULT_{name.upper()}:{argument}", timeout=timeout)

    return place


def test_timeout_after_commit_buys_and_withholds_the_answer(client, place_with):
    with pytest.raises(requests.ReadTimeout):
        place_with("timeout_after_commit", "3600", timeout=0.2)
    while not committed(client):
        time.sleep(0.01)
    assert len(client.get("/gift-cards/list").json()["data"]["items"]) == 1


def test_a_withheld_answer_comes_in_the_end(client, place_with):
    began = time.monotonic()
    answer = place_with("timeout_after_commit", "0.15")
    assert time.monotonic() - began >= 0.15
    assert answer.json()["data"]["orderId"] == client.sandbox.orders()[0]["orderId"]


def test_others_are_served_while_an_answer_is_withheld(client):
    with pytest.raises(requests.ReadTimeout):
        client.try_place("FAULT_TIMEOUT_AFTER_COMMIT:3600", timeout=0.1)
    assert client.place()


def test_error_after_commit_buys_and_says_unavailable(client, place_with):
    assert refused(place_with("error_after_commit")) == (503, "SERVICE_UNAVAILABLE")
    assert committed(client) == 1


@pytest.mark.parametrize(("when", "bought"), [("before", 0), ("after", 1)])
def test_connection_reset_is_a_reset_before_or_after_buying(client, place_with, when, bought):
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        place_with("connection_reset", when)
    assert committed(client) == bought


def test_rate_limited_tells_when_to_come_back_and_buys_nothing(client, place_with):
    answer = place_with("rate_limited", "7")
    assert refused(answer) == (429, "RATE_LIMIT_EXCEEDED")
    assert answer.headers["Retry-After"] == "7"
    assert committed(client) == 0


def test_after_a_429_the_same_type_goes_through_and_then_starts_anew(client):
    statuses = [client.try_place("FAULT_RATE_LIMITED").status_code for _ in range(4)]
    assert statuses == [429, 200, 429, 200]


def test_server_errors_are_a_burst_of_both_kinds_and_then_over(client):
    answers = [client.try_place("FAULT_SERVER_ERRORS:3") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 503, 500, 200]
    assert refused(answers[0]) == (500, "INTERNAL_ERROR")
    assert refused(answers[1]) == (503, "SERVICE_UNAVAILABLE")
    assert committed(client) == 1


def test_a_burst_of_none_never_ends(client):
    assert {client.try_place("FAULT_SERVER_ERRORS:0").status_code for _ in range(9)} == {500, 503}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INVALID_ACCESS_TOKEN", 401),
        ("IP_BLOCKED", 403),
        ("IP_NOT_ALLOWED", 403),
        ("API_DISABLED", 403),
        ("AUTH_UNAVAILABLE", 503),
    ],
)
def test_wrong_key_refuses_the_right_key(client, place_with, code, status):
    answer = place_with("wrong_key", code)
    assert refused(answer) == (status, code)
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)
    assert committed(client) == 0
    assert client.get("/validate").status_code == 200


@pytest.mark.parametrize(
    ("name", "code"), [("out_of_stock", "ERR_STOCK"), ("no_balance", "NO_BALANCE")]
)
def test_what_cannot_be_bought_is_403(client, place_with, name, code):
    assert refused(place_with(name)) == (403, code)
    assert committed(client) == 0


@pytest.mark.parametrize(
    "type_id",
    [
        "FAULT_",
        "FAULT_NO_SUCH",
        "FAULT_NEVER_FINAL:1",
        "FAULT_SLOW_FULFILMENT:soon",
        "FAULT_SERVER_ERRORS:-1",
        "FAULT_OUT_OF_STOCK::list",
        "FAULT_SERVER_ERRORS:1:checkorder",
        "FAULT_SERVER_ERRORS:1:checkOrder:x",
    ],
)
def test_a_misspelt_fault_is_refused_and_not_an_ordinary_order(client, type_id):
    assert refused(client.try_place(type_id)) == (400, "ERR_VALIDATION")
    assert committed(client) == 0


def test_an_armed_fault_is_not_used_up_by_a_request_that_buys_nothing(client):
    client.sandbox.arm("error_after_commit", times=1)
    assert refused(client.try_place(quantity=0)) == (400, "ERR_VALIDATION")
    assert refused(client.try_place()) == (503, "SERVICE_UNAVAILABLE")


def test_an_armed_fault_without_times_lasts_until_it_is_taken_away(client):
    client.sandbox.arm("out_of_stock")
    assert {client.try_place().status_code for _ in range(3)} == {403}
    client.sandbox.disarm()
    assert client.try_place().status_code == 200


def test_an_armed_burst_takes_its_length_from_its_argument(client):
    client.sandbox.arm("server_errors", "3")
    statuses = [client.get("/account/balance").status_code for _ in range(4)]
    assert statuses == [500, 503, 500, 200]


def test_an_armed_fault_bites_only_its_route_and_never_ping_unasked(client):
    client.sandbox.arm("server_errors", "0", route="list")
    assert client.get("/gift-cards/list").status_code == 500
    assert client.get("/gift-cards/catalog").status_code == 200
    client.sandbox.disarm()
    client.sandbox.arm("server_errors", "0")
    assert client.get("/ping").status_code == 200
    client.sandbox.arm("server_errors", "0", route="ping")
    assert client.get("/ping").status_code == 500


def test_a_typed_fault_leaves_other_orders_alone(client):
    client.try_place("FAULT_SERVER_ERRORS:0")
    assert client.try_place().status_code == 200


def test_every_mode_is_named_with_its_default_in_the_package_docstring():
    rows = [line.split("|")[1:4] for line in local.sandbox.__doc__.splitlines() if "|" in line]
    told = {name.strip(): argument.strip() for name, argument, _ in rows[2:]}
    assert list(told) == list(MODES) == list(FAULTS)
    for name, mode in MODES.items():
        assert told[name].endswith(f"({mode.default})" if mode.default else ""), name
        assert bool(told[name]) == bool(mode.argument), name
