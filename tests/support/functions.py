"""The functions as Lambda runs them, and the world that the events of events/ speak of."""

import hashlib
import importlib.util
import json

import pytest

from cardvault import errors
from cardvault.identity.clients import ApiClient
from cardvault.orders.shred import shred_cards
from cardvault.runtime import tables
from tests.support.doubles import caller
from tests.support.template import ROOT

SECRET = "EXAMPLE-CLIENT-SECRET"
EVENTS = {
    f"{path.parent.name}/{path.stem}": json.loads(path.read_text())
    for path in sorted((ROOT / "events").glob("*/*.json"))
}
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))


class LambdaContext:
    function_name = "cardvault-test"
    function_version = "1"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:cardvault-test"
    aws_request_id = "0b9f5d2e-5a0c-4f3e-9d43-8a8f6f4c2a11"


def load_app(name):
    spec = importlib.util.spec_from_file_location(f"app_{name}", ROOT / f"functions/{name}/app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def invoke(case):
    """What a function answers to one of its events: `invoke("get_order/fulfilled")`."""
    app = load_app(case.partition("/")[0])
    return app.handler(EVENTS[case], LambdaContext())


def more_settings(steps):
    machine = steps.cloud.client("stepfunctions").create_state_machine(
        name="fulfilment",
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/fulfilment",
    )
    return {
        "STATE_MACHINE_ARN": machine["stateMachineArn"],
        "ADOPTABLE_AFTER_SECONDS": "1800",
        "FULFILMENT_DEADLINE_SECONDS": "86400",
        "TOKEN_ISSUER": "https://issuer.test",
        "TOKEN_AUDIENCE": "cardvault",
        "TOKEN_LIFETIME_SECONDS": "900",
    }


def order_id(number):
    return f"695735a5{number:016d}"


def orders_of(case):
    if case.startswith(("list_orders/", "rewrap_data_keys/")):
        return {1, 2, 4, 6}
    return {number for number in ORDERS if order_id(number) in json.dumps(EVENTS[case])}


def shredded(steps):
    shred_cards(steps.stored_order(key="3"), caller(), clock=steps.clock)


def placed(steps, number, status):
    steps.create(str(number))
    steps.supplier.placing.append(f"S{number}")
    steps.supplier.has(f"S{number}", status)
    steps.place(order_id(number))


def lost(steps):
    steps.create("7")
    steps.supplier.placing.append(errors.PlacementUnknown())
    with pytest.raises(errors.PlacementUnknown):
        steps.place(order_id(7))
    steps.supplier.has("S7")


# The orders that the events speak of, by the last digit of their ids.
ORDERS = {
    1: lambda steps: steps.stored_order(key="1"),
    2: lambda steps: steps.create("2"),
    3: shredded,
    4: lambda steps: steps.stored_order(key="4", by=caller("bob")),
    5: lambda steps: placed(steps, 5, "HANDLING"),
    6: lambda steps: placed(steps, 6, "FULFILLED"),
    7: lost,
}


def make_client(steps):
    tables.bind(ApiClient, steps.cloud.settings.clients_table)
    ApiClient(
        "c" * 24,
        tenant_id="a" * 24,
        name="shop",
        scopes=["orders:read", "cards:reveal", "users:act-as"],
        secret_hash=hashlib.sha256(SECRET.encode()).hexdigest(),
        created_at="2026-01-02T03:04:05.000Z",
    ).save()
