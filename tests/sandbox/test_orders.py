"""Orders by the clock: states, cards, partial and refunded ones."""

import re

import pytest

OPEN = {"_id", "status", "quantity", "product", "type", "time"}
FINAL = OPEN | {"fulfilled_quantity", "fulfilled_amount", "price_per_card", "cards"}


def test_an_order_id_is_an_object_id_that_tells_the_creation_time(client):
    order_id = client.place()
    assert re.fullmatch(r"[0-9a-f]{24}", order_id)
    assert int(order_id[:8], 16) == int(client.clock.now)


def test_order_ids_differ_within_one_second(client):
    assert len({client.place() for _ in range(50)}) == 50


def test_handling_has_no_fulfilment_fields(client):
    order_id = client.place("a-type", 2, "a-product")
    order = client.check(order_id)
    assert set(order) == OPEN
    assert order["_id"] == order_id
    assert (order["status"], order["quantity"]) == ("HANDLING", 2)
    assert (order["product"], order["type"]) == ("a-product", "a-type")


def test_an_order_becomes_final_with_the_clock_and_not_before(client):
    order_id = client.place(quantity=2)
    client.clock.forward(2.999)
    assert client.check(order_id)["status"] == "HANDLING"
    client.clock.forward(0.001)
    order = client.check(order_id)
    assert set(order) == FINAL
    assert (order["status"], order["fulfilled_quantity"]) == ("FULFILLED", 2)


def test_the_handling_time_can_be_set(started):
    client = started(handling_s=0)
    assert client.check(client.place())["status"] == "FULFILLED"


def test_time_stays_the_creation_time(client):
    client.clock.now = 1_761_698_213.0304
    order_id = client.place()
    assert client.check(order_id)["time"] == "2025-10-29T00:36:53.030Z"
    client.clock.forward(60)
    assert client.check(order_id)["time"] == "2025-10-29T00:36:53.030Z"


def test_a_sandbox_order_costs_nothing(client):
    order = client.check(client.place_and_wait(quantity=3))
    assert (order["price_per_card"], order["fulfilled_amount"]) == (0, 0)


@pytest.mark.parametrize(("quantity", "delivered"), [(2, 1), (3, 1), (4, 2), (5, 2), (101, 50)])
def test_partial_delivers_half_rounded_down(client, quantity, delivered):
    order = client.check(client.place_and_wait("TEST_PARTIAL", quantity))
    assert order["status"] == "PARTIALLY_FILLED"
    assert (order["quantity"], order["fulfilled_quantity"]) == (quantity, delivered)
    assert len(order["cards"]) == delivered


def test_of_one_card_there_is_no_part_so_it_is_refunded(client):
    order = client.check(client.place_and_wait("TEST_PARTIAL", 1))
    assert (order["status"], order["fulfilled_quantity"], order["cards"]) == ("REFUNDED", 0, [])


def test_refund_delivers_nothing(client):
    order_id = client.place("TEST_REFUND", 2)
    assert client.check(order_id)["status"] == "HANDLING"
    client.clock.forward(3)
    order = client.check(order_id)
    assert (order["status"], order["fulfilled_quantity"], order["cards"]) == ("REFUNDED", 0, [])


def test_codes_are_recognisable_and_unique_across_cards_and_orders(client):
    ids = [client.place(quantity=20) for _ in range(10)]
    client.clock.forward(3)
    cards = [card for order_id in ids for card in client.check(order_id)["cards"]]
    texts = [card[field] for card in cards for field in ("value", "serial")]
    assert len(set(texts)) == len(texts) == 400
    assert all(card["value"].startswith("SANDBOX-CARD-") for card in cards)
    assert all(card["serial"].startswith("SANDBOX-SERIAL-") for card in cards)


def test_a_code_can_be_traced_to_its_order_and_number(client):
    order_id = client.place_and_wait(quantity=2)
    tail = order_id[-12:].upper()
    assert client.check(order_id)["cards"] == [
        {"value": f"SANDBOX-CARD-{tail}-1", "serial": f"SANDBOX-SERIAL-{tail}-1"},
        {"value": f"SANDBOX-CARD-{tail}-2", "serial": f"SANDBOX-SERIAL-{tail}-2"},
    ]


def test_cards_are_stable_across_readings_and_routes(client):
    order_id = client.place_and_wait(quantity=5)
    cards = client.check(order_id)["cards"]
    assert client.check(order_id)["cards"] == cards
    assert client.get("/gift-cards/list").json()["data"]["items"][0]["cards"] == cards
    assert client.sandbox.codes(order_id) == cards


def test_a_canary_marks_the_orders_placed_after_it_and_no_others(client):
    before = client.place_and_wait()
    client.sandbox.canary("CANARY<é>")
    after = client.place_and_wait()
    assert client.check(before)["cards"][0]["value"].startswith("SANDBOX-CARD-")
    card = client.check(after)["cards"][0]
    assert card["value"].startswith("CANARY<é>-CARD-")
    assert card["serial"].startswith("CANARY<é>-SERIAL-")


def test_ten_thousand_cards_are_ten_thousand_codes(client):
    cards = client.check(client.place_and_wait(quantity=10_000))["cards"]
    assert len({card["value"] for card in cards}) == 10_000
