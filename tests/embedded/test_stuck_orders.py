"""Orders that no execution carries, found and moved on by the deployed function under its role."""

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest

from cardvault.core.clock import to_text, utc_now
from tests.embedded.test_orders import bought, place, shown_codes, supplier_codes
from tests.support.claiming import stored

pytestmark = pytest.mark.embedded


def an_hour_older(vault, order_id):
    """Rather than wait: the age of an order and of its last change is counted from here."""
    item, then = stored(vault, order_id), to_text(utc_now() - timedelta(hours=1))
    vault.stack.client("dynamodb").update_item(
        TableName=vault.stack.outputs["OrdersTable"],
        Key={name: item[name] for name in ("orderId", "sk")},
        UpdateExpression="SET createdAt = :then, updatedAt = :then",
        ExpressionAttributeValues={":then": {"S": then}},
    )


def reconcile(vault):
    answer = vault.stack.client("lambda").invoke(
        FunctionName=vault.stack.outputs["ReconcileOrdersFunction"]
    )
    return json.loads(answer["Payload"].read())


@contextmanager
def starts_nothing(vault):
    """create_order dies meanwhile where it would start an execution."""
    found = vault.stack.client("cloudformation").describe_stack_resource(
        StackName="cardvault", LogicalResourceId="CreateOrderFunction"
    )
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    client = vault.stack.client("lambda")
    given = client.get_function_configuration(FunctionName=name)["Environment"]
    machine = given["Variables"]["STATE_MACHINE_ARN"]
    broken = {"Variables": {**given["Variables"], "STATE_MACHINE_ARN": f"{machine}-gone"}}
    client.update_function_configuration(FunctionName=name, Environment=broken)
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment=given)


def moved_on(vault, alice, order_id):
    an_hour_older(vault, order_id)
    assert reconcile(vault) == {"started": 1, "attention": 0, "failed": 0, "more": False}
    order = list(alice.follow(order_id, until=lambda o: o["status"] == "fulfilled"))[-1]
    assert shown_codes(alice, order_id) == supplier_codes(vault, order)
    assert "unfinished" not in stored(vault, order_id)
    events = alice.get(order_id, "/audit").json()["events"]
    assert [event["event"] for event in events].count("ORDER_RESTARTED") == 1
    assert reconcile(vault) == {"started": 0, "attention": 0, "failed": 0, "more": False}


def test_an_order_whose_execution_was_never_started_is_moved_on(vault, alice):
    wanted = {"productId": "NEVER-STARTED", "typeId": "PSN-500", "quantity": 2}
    with starts_nothing(vault):
        assert alice.order("key", **wanted).status_code == 500
    (order,) = alice.call("GET", "/api/orders").json()["orders"]
    assert order["status"] == "received"
    moved_on(vault, alice, order["orderId"])
    assert len(bought(vault, "NEVER-STARTED")) == 1


def test_an_order_whose_execution_was_aborted_is_moved_on(vault, alice):
    order_id = place(alice, "FAULT_SLOW_FULFILMENT:3")
    list(alice.follow(order_id, until=lambda o: o["status"] == "handling"))
    machine = vault.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    vault.stack.client("stepfunctions").stop_execution(executionArn=f"{machine}:{order_id}")
    moved_on(vault, alice, order_id)
