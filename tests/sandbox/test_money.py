"""Production-like mode: prices, stock, balance, ledger."""

from decimal import Decimal
from itertools import pairwise

PSN, TEN_EUR, TWENTY_EUR = (
    "6126393c6f57860f925a1983",
    "6126393c6f57860f925a1984",
    "6126393c6f57860f925a1985",
)
STEAM, STEAM_20 = "6126393c6f57860f925a19a0", "6126393c6f57860f925a19a2"


def balance(client):
    return client.get("/account/balance").json()["data"]["balance"]


def ledger(client):
    return client.get("/account/transactions").json()["data"]["items"]


def stock(client, product_id, type_id):
    types = client.get(f"/gift-cards/checkProduct/{product_id}").json()["data"]["types"]
    return next(kind["quantity"] for kind in types if kind["id"] == type_id)


def refused(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_a_purchase_debits_price_times_quantity_and_takes_stock(real_money):
    before = stock(real_money, PSN, TWENTY_EUR)
    order_id = real_money.place(TWENTY_EUR, 2, PSN)
    assert balance(real_money) == 10_000 - 2 * 3960.5
    assert stock(real_money, PSN, TWENTY_EUR) == before - 2
    real_money.clock.forward(3)
    order = real_money.check(order_id)
    assert (order["price_per_card"], order["fulfilled_amount"]) == (3960.5, 7921)
    assert balance(real_money) == 2079


def test_what_the_balance_does_not_cover_is_refused_and_nothing_moves(real_money):
    assert refused(real_money.try_place(TEN_EUR, 6, PSN)) == (403, "NO_BALANCE")
    assert balance(real_money) == 10_000
    assert stock(real_money, PSN, TEN_EUR) == 150
    assert real_money.sandbox.orders() == []
    assert real_money.try_place(TEN_EUR, 5, PSN).status_code == 200
    assert balance(real_money) == 0


def test_what_is_not_in_stock_is_refused(started):
    client = started(production_like=True, balance=1_000_000)
    assert refused(client.try_place(STEAM_20, 4, STEAM)) == (403, "ERR_STOCK")
    client.place(STEAM_20, 3, STEAM)
    assert refused(client.try_place(STEAM_20, 1, STEAM)) == (403, "ERR_STOCK")


def test_an_unknown_product_or_a_type_of_another_is_not_found(real_money):
    assert refused(real_money.try_place(TEN_EUR, 1, "string")) == (404, "NOT_FOUND")
    assert refused(real_money.try_place(TEN_EUR, 1, STEAM)) == (404, "NOT_FOUND")


def test_a_partial_order_is_debited_in_full_and_refunded_when_it_becomes_final(real_money):
    order_id = real_money.place("TEST_PARTIAL", 5, PSN)
    assert balance(real_money) == 7_500
    real_money.clock.forward(2.999)
    assert balance(real_money) == 7_500
    real_money.clock.forward(0.001)
    assert balance(real_money) == 9_000
    order = real_money.check(order_id)
    assert (order["price_per_card"], order["fulfilled_amount"]) == (500, 1000)
    assert balance(real_money) == 9_000


def test_a_refunded_order_gives_everything_back_and_keeps_its_price(real_money):
    order_id = real_money.place("TEST_REFUND", 2, PSN)
    real_money.clock.forward(3)
    order = real_money.check(order_id)
    assert (order["price_per_card"], order["fulfilled_amount"]) == (500, 0)
    assert balance(real_money) == 10_000


def test_the_ledger_tells_each_movement_once_and_adds_up(real_money):
    order_id = real_money.place("TEST_REFUND", 2, PSN)
    real_money.clock.forward(60)
    real_money.place(TWENTY_EUR, 1, PSN)
    rows = ledger(real_money)
    assert [row["type"] for row in rows] == ["ORDER", "REFUND-ORDER", "ORDER", "DEPOSIT"]
    assert [row["operation"] for row in rows[:2]] == ["DECREMENT", "INCREMENT"]
    assert rows[1]["objid"] == rows[2]["objid"] == order_id
    assert rows[1]["time"] == real_money.check(order_id)["time"].replace("00.250", "03.250")
    for newer, older in pairwise(rows):
        assert newer["oldBalance"] == older["newBalance"]
    for row in rows:
        sign = 1 if row["operation"] == "INCREMENT" else -1
        old, amount, new = (Decimal(str(row[k])) for k in ("oldBalance", "amount", "newBalance"))
        assert old + sign * amount == new
    assert rows[0]["newBalance"] == balance(real_money)


def test_a_sandbox_key_moves_no_money_and_no_stock(client):
    before = balance(client), stock(client, STEAM, STEAM_20)
    client.place_and_wait(STEAM_20, 50)
    assert (balance(client), stock(client, STEAM, STEAM_20)) == before
    assert [row["type"] for row in ledger(client)] == ["DEPOSIT"]
