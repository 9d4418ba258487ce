"""A bounce that could not be noted waits in the queue and is noted once the cause is mended."""

import json

import pytest

from cardvault.aws.failed_events import REPLAYED_S, FailedEvents
from tests.support.claiming import ordered, stored
from tests.support.template import ROOT

pytestmark = pytest.mark.embedded


@pytest.fixture
def queue(vault):
    client = vault.stack.client
    return FailedEvents(client("sqs"), client("lambda"), vault.stack.outputs["FailedEvents"])


@pytest.fixture
def customer(vault, alice):
    return ordered(vault, alice)


@pytest.fixture
def handler(vault):
    """The name of the function that the rule for mail hands its events to."""
    events = vault.stack.client("events")
    (rule,) = [
        rule for rule in events.list_rules()["Rules"] if "aws.ses" in rule.get("EventPattern", "")
    ]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    return target["Arn"]


def test_a_bounce_that_was_given_up_waits_and_is_replayed(vault, alice, customer, queue, handler):
    functions = vault.stack.client("lambda")
    variables = functions.get_function_configuration(FunctionName=handler)["Environment"]
    broken = {"Variables": {**variables["Variables"], "ORDERS_TABLE": "no-such-table"}}
    text = (ROOT / "events/mail/handle_email_event/bounce.json").read_text()
    text = text.replace("ORDER_ID", customer.order_id).replace("TO_ADDRESS", customer.address)
    text = text.replace("MAIL_ID", stored(vault, customer.order_id)["mailId"]["S"])

    functions.update_function_configuration(FunctionName=handler, Environment=broken)
    try:
        functions.invoke(FunctionName=handler, InvocationType="Event", Payload=text)
        event = given_up(queue)
    finally:
        functions.update_function_configuration(FunctionName=handler, Environment=variables)
    assert event.function.split(":")[6] == handler.split(":")[6]
    assert event.reason == "RetriesExhausted InternalError"
    assert event.payload == json.loads(text)
    assert alice.get(customer.order_id).json()["emailStatus"] != "bounced"

    assert queue.replay(event)
    assert alice.get(customer.order_id).json()["emailStatus"] == "bounced"
    assert list(queue.read(REPLAYED_S)) == []


def given_up(queue):
    """After three tries, one and two seconds apart on the emulator."""
    while True:
        for event in queue.read(REPLAYED_S):
            return event
