"""Our supplier client against the sandbox: I1 (no body in an error) and I3 (sent once)."""

import itertools
import json
from datetime import timedelta

import pytest

from cardvault import errors
from cardvault.aws.cached_secret import CachedSecret
from cardvault.core.clock import utc_now
from cardvault.http.outgoing import Answer, Bounds
from cardvault.supplier import client as client_module
from cardvault.supplier.answers import SupplierStatus, read_order
from cardvault.supplier.client import SupplierClient
from cardvault.supplier.refusals import LONGEST_RETRY_AFTER_S, retry_after
from local.sandbox import SupplierSandbox
from tests.support.doubles import KeptCircuitBreaker, SupplierSecrets

PRODUCT = "507f1f77bcf86cd799439011"


@pytest.fixture
def sandbox():
    with SupplierSandbox(port=0, handling_s=0.0, prefix="CANARY") as running:
        yield running


@pytest.fixture
def secrets(sandbox):
    return SupplierSecrets(sandbox.origin, sandbox.key)


@pytest.fixture
def supplier(secrets, monkeypatch):
    monkeypatch.setattr(client_module, "READ_TIMEOUT_S", 0.5)
    return client_of(secrets)


def client_of(secrets):
    return SupplierClient(
        CachedSecret(secrets, "arn"), KeptCircuitBreaker(), sleep=secrets.waits.append
    )


def buy(supplier, type_id="T1", quantity=3):
    return supplier.place_order(PRODUCT, type_id, quantity)


def asked(sandbox):
    return sandbox.counts()["routes"].get("placeOrder", 0)


def test_an_order_is_bought_and_read(supplier):
    bought = buy(supplier)
    assert supplier.check_order(bought).cards == (), "polling reads no card"
    order = supplier.check_order(bought, cards=True)
    assert order.status is SupplierStatus.FULFILLED
    assert [card.value.startswith("CANARY") for card in order.cards] == [True] * 3
    assert (order.product_id, order.type_id, order.quantity) == (PRODUCT, "T1", 3)


@pytest.mark.parametrize(
    ("type_id", "error"),
    [
        ("FAULT_TIMEOUT_AFTER_COMMIT", errors.PlacementUnknown),
        ("FAULT_ERROR_AFTER_COMMIT", errors.PlacementUnknown),
        ("FAULT_CONNECTION_RESET:after", errors.PlacementUnknown),
        ("FAULT_CONNECTION_RESET:before", errors.PlacementUnknown),
        ("FAULT_SERVER_ERRORS:1", errors.PlacementUnknown),
        ("FAULT_MALFORMED_JSON:1:placeOrder", errors.PlacementUnknown),
        ("FAULT_RATE_LIMITED:7", errors.SupplierThrottled),
        ("FAULT_WRONG_KEY", errors.SupplierCredentialsRejected),
        ("FAULT_OUT_OF_STOCK", errors.SupplierOutOfStock),
        ("FAULT_NO_BALANCE", errors.SupplierBalanceTooLow),
        ("FAULT_NO_SUCH_FAULT", errors.SupplierRejected),
        ("FAULT_WRONG_KEY:IP_BLOCKED", errors.SupplierBlocked),
        ("FAULT_WRONG_KEY:API_DISABLED", errors.SupplierRejected),
    ],
)
def test_placing_is_sent_once_whatever_comes_back(supplier, sandbox, type_id, error):
    with pytest.raises(error):
        buy(supplier, type_id)
    assert asked(sandbox) == 1


def test_retry_after_is_waited_for_up_to_the_ceiling(supplier, secrets):
    for seconds in (7, 3600):
        with pytest.raises(errors.SupplierThrottled):
            supplier.check_order(buy(supplier, f"FAULT_RATE_LIMITED:{seconds}:checkOrder"))
    assert secrets.waits == [7.0, LONGEST_RETRY_AFTER_S]


class Headers:
    def __init__(self, retry_after, date="Thu, 01 Jan 2026 12:00:00 GMT"):
        self.headers = {"Retry-After": retry_after, "Date": date}


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("Thu, 01 Jan 2026 12:00:08 GMT", 8.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 1.0),
        ("Fri, 02 Jan 2026 12:00:00 GMT", LONGEST_RETRY_AFTER_S),
        ("9999", LONGEST_RETRY_AFTER_S),
        ("", 1.0),
        ("soon", 1.0),
        ("-5", 1.0),
        ("1e9", 1.0),
        ("Thu, 01 Jan 2026 12:00:20", 1.0),
    ],
)
def test_retry_after_is_read_in_both_its_forms(asked, waited):
    assert retry_after(Headers(asked)) == waited
    assert retry_after(Headers("Thu, 01 Jan 2026 12:00:20 GMT", date="")) == 1.0


def test_a_server_error_that_asks_for_a_pause_gets_it(supplier, secrets, sandbox):
    order_id = buy(supplier)
    sandbox.arm("wrong_key", "AUTH_UNAVAILABLE", times=1, route="checkOrder")
    with pytest.raises(errors.SupplierUnavailable):
        supplier.check_order(order_id)
    assert secrets.waits == [5.0]
    assert supplier.check_order(order_id).status.final


def test_a_product_that_the_supplier_has_not_is_said_so():
    with SupplierSandbox(port=0, production_like=True) as running:
        secrets = SupplierSecrets(running.origin, running.key)
        with pytest.raises(errors.SupplierProductUnknown):
            buy(client_of(secrets))


def test_unknown_names_are_counted_and_logged(supplier, monkeypatch, capsys):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "test")
    order_id = buy(supplier)
    told = {"_id": order_id, "status": "ON_HOLD", "cards": []}
    monkeypatch.setattr(SupplierClient, "_read", lambda *_: told)
    supplier.check_order(order_id)
    assert '"SupplierAnswerUnknown":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_what_the_contract_has_not_is_told_by_name_and_never_by_value():
    card = {"value": "CANARY-1", "serial": "S", "pin": "CANARY-2", "4711-CANARY": 1, "url": None}
    told = {"_id": "a" * 24, "status": "ON_HOLD", "cards": [card]}
    order = read_order(told, cards=True)
    assert order.unknown == ("ON_HOLD", "cards.pin", "cards.url")
    assert order.told_unknown == "UNKNOWN ON_HOLD cards.pin cards.url"
    assert read_order(told).unknown == ("ON_HOLD",), "cards that nobody asked for are not read"
    assert read_order({**told, "status": "canary 4711"}).unknown == ("status",)
    assert read_order({**told, "status": "HANDLING"}).told_unknown is None


def test_no_connection_means_nothing_was_bought(secrets):
    secrets.base_url = "http://127.0.0.1:9"
    with pytest.raises(errors.SupplierUnavailable):
        buy(client_of(secrets))


def test_a_key_that_was_never_set_is_said_so(secrets):
    secrets.base_url = ""
    with pytest.raises(errors.SupplierCredentialsRejected, match="not set"):
        client_of(secrets).make_ready()


def test_a_key_that_was_changed_is_used_at_once(supplier, secrets, sandbox):
    order_id = buy(supplier)
    for ask in (lambda: supplier.check_order(order_id), lambda: buy(supplier)):
        good, secrets.key = sandbox.key, f"old {secrets.read}"
        supplier.credentials.forget()
        supplier.make_ready()
        secrets.key = good
        ask()
    assert sandbox.counts()["routes"] == {"placeOrder": 3, "checkOrder": 2}


@pytest.mark.parametrize("route", ["placeOrder", "checkOrder"])
def test_a_refused_key_is_sent_once_and_then_kept_back(supplier, secrets, sandbox, route):
    order_id = buy(supplier)
    before = sandbox.counts()["routes"].get(route, 0)
    secrets.key = "wrong"
    supplier.credentials.forget()
    for _ in range(3):
        with pytest.raises(errors.SupplierCredentialsRejected):
            buy(supplier) if route == "placeOrder" else supplier.check_order(order_id)
    assert sandbox.counts()["routes"][route] - before == 1


def test_a_block_is_remembered_for_every_key_and_every_route(supplier, secrets, sandbox):
    order_id = buy(supplier)
    sandbox.arm("wrong_key", "IP_BLOCKED")
    for _ in range(3):
        with pytest.raises(errors.SupplierBlocked):
            supplier.check_order(order_id)
    secrets.key = "another"
    supplier.credentials.forget()
    with pytest.raises(errors.SupplierBlocked):
        buy(supplier)
    assert sandbox.counts()["routes"] == {"placeOrder": 1, "checkOrder": 1}


def test_the_secret_is_kept_for_minutes(secrets):
    now = [0.0]
    cached = CachedSecret(secrets, "arn", monotonic=lambda: now[0])
    for now[0] in (0.0, 299.0, 301.0, 400.0):
        cached.value()
    assert secrets.read == 2


@pytest.mark.parametrize(
    ("type_id", "error"),
    [
        ("FAULT_MALFORMED_JSON:9", errors.SupplierUnavailable),
        ("FAULT_SERVER_ERRORS:9:checkOrder", errors.SupplierUnavailable),
        ("FAULT_CONNECTION_RESET:after:checkOrder", errors.SupplierUnavailable),
        ("FAULT_RATE_LIMITED:1:checkOrder", errors.SupplierThrottled),
    ],
)
def test_no_error_holds_anything_of_an_answer(supplier, type_id, error):
    order_id = buy(supplier, type_id)
    with pytest.raises(error) as raised:
        supplier.check_order(order_id)
    chain, told = raised.value, ""
    while chain is not None:
        told += f"{chain!r} {chain.args} {vars(chain)}"
        chain = None if chain.__suppress_context__ else (chain.__cause__ or chain.__context__)
    assert "CANARY" not in told


def test_absent_and_null_fields_are_accepted(supplier):
    order = supplier.check_order(buy(supplier, "FAULT_MISSING_FIELDS"), cards=True)
    assert len(order.cards) == 3
    assert all(card.serial is None for card in order.cards)


def test_an_unknown_status_is_not_final(supplier, monkeypatch):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "test")
    assert not supplier.check_order(buy(supplier, "FAULT_UNKNOWN_STATUS:60")).status.final


@pytest.mark.parametrize(
    ("type_id", "status", "count"),
    [("TEST_PARTIAL", "PARTIALLY_FILLED", 2), ("TEST_REFUND", "REFUNDED", 0)],
)
def test_partial_fills_and_refunds_are_read(supplier, type_id, status, count):
    order = supplier.check_order(buy(supplier, type_id, 4), cards=True)
    assert (order.status, len(order.cards)) == (status, count)


@pytest.mark.parametrize("status", [402, 403, 405, 408, 409, 410, 413, 422, 425, 499])
def test_a_refusal_that_proves_nothing_leaves_the_placing_in_doubt(supplier, monkeypatch, status):
    answer = Answer(status, {}, b"not the supplier's envelope")
    monkeypatch.setattr(client_module, "_send", lambda *_, **__: answer)
    with pytest.raises(errors.PlacementUnknown):
        buy(supplier)


@pytest.mark.parametrize("order_id", ["../../account/balance?x=", "", "a" * 65, 7, None])
def test_an_order_id_that_could_lead_elsewhere_is_none(supplier, monkeypatch, order_id):
    body = json.dumps({"success": True, "data": {"orderId": order_id}}).encode()
    answer = Answer(200, {}, body)
    monkeypatch.setattr(client_module, "_send", lambda *_, **__: answer)
    with pytest.raises(errors.PlacementUnknown):
        buy(supplier)


def test_a_kept_connection_that_died_is_no_outage(supplier, sandbox):
    order_id = buy(supplier)
    sandbox.arm("connection_reset", "before", times=1, route="checkOrder")
    assert supplier.check_order(order_id).status.final


def test_an_unknown_order_is_said_so(supplier):
    with pytest.raises(errors.SupplierOrderUnknown):
        supplier.check_order("0" * 24)


def test_the_list_is_read_to_its_last_page(supplier, monkeypatch):
    monkeypatch.setattr(client_module, "PAGE_SIZE", 2)
    bought = {buy(supplier) for _ in range(5)}
    now = utc_now()
    window = now - timedelta(minutes=1), now + timedelta(minutes=1)
    assert {order.order_id for order in supplier.list_orders(*window)} == bought


def test_both_names_of_an_order_id_are_read():
    assert read_order({"_id": "a" * 24}).order_id == read_order({"orderId": "a" * 24}).order_id
    with pytest.raises(errors.SupplierUnavailable):
        read_order({"status": "FULFILLED"})


@pytest.mark.parametrize(
    "card", [{}, {"value": None}, {"value": ""}, {"value": " \n"}, {"serial": "S"}, "a text", None]
)
def test_a_card_without_a_value_is_not_a_card(card):
    with pytest.raises(errors.CardUnreadable):
        read_order({"_id": "a" * 24, "cards": [card]}, cards=True)


NO_TEXTS = ["half \ud800", "\udc00", "A\tB", "A\x00", "\x9b31m", "A\u202eB"]


@pytest.mark.parametrize("text", NO_TEXTS)
@pytest.mark.parametrize("field", ["value", "serial"])
def test_a_card_that_is_no_text_is_refused_before_it_is_stored(field, text):
    card = {"value": "CANARY-1", "serial": "CANARY-S", field: text}
    with pytest.raises(errors.CardUnreadable) as refused:
        read_order({"_id": "a" * 24, "cards": [card]}, cards=True)
    assert "CANARY" not in str(refused.value)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  WXYZ-0001 \r\n", "WXYZ-0001"),
        ("\u00a0WXYZ-0001\u200b", "WXYZ-0001"),
        ("Code: AB12\r\n  PIN: 9876\r\n", "Code: AB12\nPIN: 9876"),
        ("A-1\n\n\nB-2", "A-1\nB-2"),
        ("A\rB", "A\nB"),
        ("A\u2028B", "A\nB"),
        ("two words", "two words"),
    ],
)
def test_a_code_loses_the_white_space_around_its_lines_and_keeps_the_lines(sent, kept):
    told = {
        "_id": "a" * 24,
        "cards": [{"value": sent, "serial": sent}, {"value": "A", "serial": " "}],
    }
    first, second = read_order(told, cards=True).cards
    assert (first.value, first.serial) == (kept, kept)
    assert second.serial is None


@pytest.mark.parametrize("text", ["É-1 é", "\U0001f600", "رمز ٣", "A" * 500])
def test_a_code_in_any_script_is_taken(text):
    told = {"_id": "a" * 24, "cards": [{"value": text, "serial": text}]}
    (card,) = read_order(told, cards=True).cards
    assert (card.value, card.serial) == (text, text)


@pytest.mark.parametrize("text", [*NO_TEXTS, "A\rB", "A\nB", "A\u2028B", "x" * 129, "", [], {}])
def test_a_product_that_is_no_name_is_as_good_as_absent(text):
    order = read_order({"_id": "a" * 24, "product": text, "type": text})
    assert (order.product_id, order.type_id) == (None, None)


@pytest.mark.parametrize(
    "told",
    [
        *({"status": odd} for odd in ([], {}, 7, None, "fulfilled")),
        *({"quantity": odd} for odd in (-1, 1.5, 1e308, float("inf"), float("nan"), "3", [], True)),
        *({"quantity": 9**999, "time": odd} for odd in (9**999, [], "yesterday", None)),
    ],
)
def test_what_cannot_be_read_is_as_good_as_absent(told):
    order = read_order({"_id": "a" * 24, **told})
    assert not order.status.final
    assert (order.quantity, order.created_at) == (None, None)


@pytest.mark.parametrize("odd", [7, "cards", {"value": "CANARY"}, True])
def test_cards_that_are_no_list_are_no_answer(odd):
    with pytest.raises(errors.SupplierUnavailable):
        read_order({"_id": "a" * 24, "cards": odd}, cards=True)


@pytest.mark.parametrize(
    "data",
    [
        {"items": 7},
        {"items": [], "pagination": "many"},
        *({"items": [], "pagination": {"totalPages": odd}} for odd in ("2", [], -1, 1e308, 1.5)),
    ],
)
def test_a_list_of_unknown_length_says_nothing_of_what_is_not_in_it(supplier, monkeypatch, data):
    answer = Answer(200, {}, json.dumps({"data": data}).encode())
    monkeypatch.setattr(client_module, "_send", lambda *_, **__: answer)
    with pytest.raises(errors.SupplierUnavailable):
        list(supplier.list_orders(utc_now(), utc_now()))


@pytest.mark.parametrize("code", [[], {}, 7, None])
def test_an_odd_error_code_proves_nothing(supplier, monkeypatch, code):
    answer = Answer(402, {}, json.dumps({"error": {"code": code}}).encode())
    monkeypatch.setattr(client_module, "_send", lambda *_, **__: answer)
    with pytest.raises(errors.PlacementUnknown):
        buy(supplier)


def test_an_answer_that_is_too_deep_leaves_the_placing_in_doubt(supplier, monkeypatch):
    answer = Answer(200, {}, b"[" * 1_000_000)
    monkeypatch.setattr(client_module, "_send", lambda *_, **__: answer)
    with pytest.raises(errors.PlacementUnknown):
        buy(supplier)


@pytest.mark.parametrize(
    "bounds",
    [Bounds(longest=10, within_s=25.0), Bounds(9_999, 1.0, itertools.count(step=2).__next__)],
)
def test_i13_an_answer_beyond_its_bounds_is_none_and_buys_once(
    supplier, sandbox, monkeypatch, bounds
):
    order_id = buy(supplier)
    monkeypatch.setattr(client_module, "BOUNDS", bounds)
    with pytest.raises(errors.SupplierUnavailable):
        supplier.check_order(order_id)
    with pytest.raises(errors.PlacementUnknown):
        buy(supplier)
    assert sandbox.counts()["routes"] == {"placeOrder": 2, "checkOrder": 1}


def test_a_code_of_digits_keeps_its_digits():
    told = {"_id": "a" * 24, "cards": [{"value": 12345678, "serial": 9}]}
    (card,) = read_order(told, cards=True).cards
    assert (card.value, card.serial) == ("12345678", "9")
