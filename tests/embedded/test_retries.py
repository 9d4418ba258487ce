"""Outages of the supplier and of AWS, waited out by the deployed workflow, its pauses shortened."""

import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from local.cardvault import running
from tests.embedded.test_orders import bought, place, shown_codes, supplier_codes

pytestmark = pytest.mark.embedded
WAIT_S = 60.0
# A block that outlasts what the test does meanwhile.
PARAMETERS = {"FulfilmentDeadlineSeconds": "600", "BlockedIntervalSeconds": "10"}


@pytest.fixture(scope="module")
def vault():
    # A twentieth of each pause; what the functions remember keeps its length.
    hurried = {"SFN_WAIT_SCALE": "0.05"}
    with running(parameters=PARAMETERS, auth=True, settings=hurried, handling_s=0.0) as vault:
        yield vault


@pytest.fixture
def alice(vault):
    return vault.shop().user(f"alice-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def poll_function(vault):
    found = vault.stack.client("cloudformation").describe_stack_resource(
        StackName="cardvault", LogicalResourceId="PollFulfilmentFunction"
    )
    return found["StackResourceDetail"]["PhysicalResourceId"]


def failed_tries(vault, order_id):
    """How often each error ended a try of the order's first execution."""
    machine = vault.stack.outputs["StateMachineArn"]
    pages = (
        vault.stack.client("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{order_id}")
    )
    events = [event for page in pages for event in page["events"]]
    tries = Counter(
        event["taskFailedEventDetails"]["error"]
        for event in events
        if event["type"] == "TaskFailed"
    )
    assert "ExecutionFailed" not in {event["type"] for event in events}, tries
    return tries


def until(seen, is_enough):
    """Look again until it is enough; the suite's timeout ends a wait for nothing."""
    while not is_enough(found := seen()):
        pass
    return found


def requests_of(vault, route):
    return vault.supplier.counts()["routes"].get(route, 0)


def test_a_poll_loop_outlives_seventy_hiccups_each_followed_by_a_good_poll(
    vault, alice, poll_function
):
    limits = vault.stack.client("lambda")
    order_id = place(alice, "FAULT_SCRIPT:outage.handling.throttled.handling.x30", 2)

    def throttled():
        return failed_tries(vault, order_id)["Lambda.TooManyRequestsException"]

    until(lambda: failed_tries(vault, order_id)["OrderPending"], lambda count: count > 0)
    for _ in range(10):
        before = throttled()
        limits.put_function_concurrency(FunctionName=poll_function, ReservedConcurrentExecutions=0)
        until(throttled, lambda count, before=before: count > before)
        limits.delete_function_concurrency(FunctionName=poll_function)
        pending = failed_tries(vault, order_id)["OrderPending"]
        until(
            lambda: failed_tries(vault, order_id)["OrderPending"],
            lambda count, pending=pending: count > pending,
        )
    order = alice.settled(order_id, timeout_s=WAIT_S)
    assert order["status"] == "fulfilled", order
    assert shown_codes(alice, order_id) == supplier_codes(vault, order)
    tries = failed_tries(vault, order_id)
    assert tries["SupplierUnavailable"] >= 30
    assert tries["SupplierThrottled"] >= 30
    assert tries["Lambda.TooManyRequestsException"] >= 10
    assert tries["OrderPending"] == 60


def test_a_block_is_waited_out_and_no_order_knocks_meanwhile(vault, alice):
    blocked = place(alice, "FAULT_SCRIPT:blocked", 1)
    circuit_breaker = {"orderId": {"S": "SUPPLIER"}, "sk": {"S": "LOCKOUT"}}
    dynamodb, table = vault.stack.client("dynamodb"), vault.stack.outputs["OrdersTable"]
    noted = until(
        lambda: dynamodb.get_item(TableName=table, Key=circuit_breaker).get("Item", {}),
        lambda item: "blockedUntil" in item,
    )
    others = [place(alice, "MEANWHILE", 1) for _ in range(3)]
    settled = [alice.settled(order_id, timeout_s=WAIT_S) for order_id in (blocked, *others)]
    assert {order["status"] for order in settled} == {"fulfilled"}
    for order in settled[1:]:
        assert order["createdAt"] < noted["blockedUntil"]["S"] <= order["placingAt"]
        assert failed_tries(vault, order["orderId"])["SupplierBlocked"] > 0
    events = [event["event"] for event in alice.get(others[0], "/audit").json()["events"]]
    assert events.count("ORDER_PLACING") == 1, "waiting leaves nothing in the trail"


def test_a_refused_key_is_sent_once_for_all_orders_of_a_minute_and_a_new_one_at_once(vault, alice):
    alice.settled(place(alice, quantity=1))
    product, before = uuid.uuid4().hex[:24], requests_of(vault, "placeOrder")

    def ordered(_=None):
        wanted = {"productId": product, "typeId": "T1", "quantity": 1}
        order_id = alice.order(uuid.uuid4().hex, **wanted).json()["orderId"]
        return alice.settled(order_id, timeout_s=WAIT_S)

    vault.supplier.arm("wrong_key")  # the key that was good is refused from now on
    try:
        with ThreadPoolExecutor(6) as pool:
            refused = [ordered(), *pool.map(ordered, range(6))]
    finally:
        vault.supplier.disarm()
    reasons = {(order["status"], order["attentionReason"]) for order in refused}
    assert reasons == {("attention", "SUPPLIER_CREDENTIALS_REJECTED")}
    assert requests_of(vault, "placeOrder") - before == 1
    vault.set_supplier_key(vault.supplier.key)  # a new version of the secret
    for order in refused:
        vault.redrive(order["orderId"])
    for order in refused:
        list(alice.follow(order["orderId"], until=lambda o: o["status"] == "fulfilled"))
    assert len(bought(vault, product)) == len(refused)
