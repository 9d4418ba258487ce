"""Alarms on our own metrics, rung by the line that a real function prints when it really fails."""

import json

import botocore.client
import pytest
from botocore.exceptions import ClientError

from cardvault.errors import CardvaultError
from cardvault.orders.records import OrderRecord
from tests.support.alarms import alarms, embedded_metrics
from tests.support.functions import EVENTS, invoke

ALARMS = {
    name: alarm for name, alarm in alarms().items() if alarm.properties["Namespace"] == "Cardvault"
}
DENIED = ClientError({"Error": {"Code": "AccessDeniedException"}}, "AnyOperation")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "AnyOperation")
# Where a sealed card or number can be found altered, by the event that finds it.
SEALED = {
    "reveal_cards/fulfilled": ("OrdersTable", "sealedCards"),
    "reveal_claimed_cards/claimed": ("OrdersTable", "sealedCards"),
    "create_download/csv": ("OrdersTable", "sealedCards"),
    "download_claimed_cards/claimed": ("OrdersTable", "sealedCards"),
    "get_gift_card/details": ("GiftCardsTable", "sealedNumber"),
}


def rung_by(printed):
    """The alarms that ring, a minute later, for the lines that were printed."""
    data = embedded_metrics(printed)
    for datum in data:
        assert (datum.namespace, datum.unit) == ("Cardvault", "Count")
    ringing = set()
    for name, alarm in ALARMS.items():
        # The stack is called so in these tests: POWERTOOLS_SERVICE_NAME.
        dimensions = {
            key: {"Ref": "AWS::StackName"} if value == "cardvault-test" else value
            for datum in data
            for key, value in datum.dimensions
        }
        mine = [datum for datum in data if datum.name == alarm.properties["MetricName"]]
        if mine and dimensions == alarm.dimensions():
            now_s = max(datum.at_s for datum in mine) + 60
            if alarm.rings([(datum.at_s, datum.value) for datum in mine], now_s):
                ringing.add(name)
    return ringing


def fail(case):
    """Invoke a function that fails, behind the API or not."""
    try:
        answer = invoke(case)
    except CardvaultError:
        return
    assert answer["statusCode"] >= 500


@pytest.fixture
def named(monkeypatch, aws_raises):
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "cardvault-test")
    return aws_raises


@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("store_cards/fulfilled", DENIED),
        ("poll_fulfilment/finished", ValueError("CANARY")),
        ("handle_email_event/bounce", THROTTLED),
        ("sweep_downloads/scheduled", THROTTLED),
        ("expire_gift_cards/scheduled", DENIED),
        ("reconcile_orders/scheduled", DENIED),
        ("rewrap_data_keys/after_rotation", THROTTLED),
    ],
)
def test_task_failure_rings_when_a_function_that_nobody_answers_fails(named, output, case, error):
    named(error)
    fail(case)
    assert rung_by(output.text()) == {"TaskFailure"}


@pytest.mark.parametrize("case", ["store_cards/fulfilled", "place_order/first_try"])
def test_task_failure_is_quiet_at_what_the_workflow_tries_again(named, output, case):
    named(THROTTLED)
    fail(case)
    assert rung_by(output.text()) == set()


@pytest.mark.parametrize("case", ["get_order/fulfilled", "issue_token/basic"])
def test_request_defect_rings_at_one_500_and_not_at_a_503(named, output, case):
    named(THROTTLED)
    fail(case)
    assert rung_by(output.text()) == set()
    named(DENIED)
    fail(case)
    assert rung_by(output.text()) == {"RequestDefect"}


def alter(client, table, attribute):
    """Flip a bit in each sealed value, as someone would who can write the table."""
    schema = client.describe_table(TableName=table)["Table"]["KeySchema"]
    altered = 0
    for item in client.scan(TableName=table)["Items"]:
        if attribute in item:
            sealed = item[attribute]["B"]
            client.update_item(
                TableName=table,
                Key={key["AttributeName"]: item[key["AttributeName"]] for key in schema},
                UpdateExpression="SET #sealed = :altered",
                ExpressionAttributeNames={"#sealed": attribute},
                ExpressionAttributeValues={
                    ":altered": {"B": sealed[:-1] + bytes([sealed[-1] ^ 1])}
                },
            )
            altered += 1
    assert altered


@pytest.mark.parametrize("case", SEALED)
def test_cannot_open_rings_wherever_a_sealed_card_was_altered(run, cloud, output, case):
    assert run(case)["statusCode"] < 300
    assert rung_by(output.text()) == set()
    alter(cloud.client("dynamodb"), *SEALED[case])
    assert run(case)["statusCode"] == 500
    assert "CannotOpen" in rung_by(output.text())


def test_refusal_not_recorded_rings_when_a_refusal_cannot_be_written(run, output, monkeypatch):
    case = "reveal_cards/shredded"
    assert run(case)["statusCode"] == 410
    assert rung_by(output.text()) == set()
    call = botocore.client.BaseClient._make_api_call

    def failing(client, operation, parameters):
        if operation in {"UpdateItem", "TransactWriteItems"}:
            raise THROTTLED
        return call(client, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", failing)
    assert invoke(case)["statusCode"] == 410
    assert rung_by(output.text()) == {"RefusalNotRecorded"}


def test_claim_locked_rings_when_several_links_lock_and_not_at_one(run, output, monkeypatch):
    wrong = EVENTS["redeem_claim/wrong_code"]
    for number in range(5):
        body = {**json.loads(wrong["body"]), "code": f"00000{number}"}
        monkeypatch.setitem(EVENTS, "redeem_claim/wrong_code", {**wrong, "body": json.dumps(body)})
        status = run("redeem_claim/wrong_code")["statusCode"]
    assert status == 404
    printed = output.text()
    assert [datum.name for datum in embedded_metrics(printed)] == ["ClaimLocked"]
    assert rung_by(printed) == set()
    assert rung_by(printed * 2) == set()
    assert rung_by(printed * 3) == {"ClaimLocked"}


def test_forged_record_rings_at_a_link_that_its_order_does_not_name(run, cloud, output):
    assert run("open_claim/live")["statusCode"] == 200
    for order in OrderRecord.scan(OrderRecord.link_hash.exists()):
        order.update([OrderRecord.link_hash.set("0" * 64)])
    assert run("open_claim/live")["statusCode"] == 404
    assert rung_by(output.text()) == {"ForgedRecord"}


def test_forged_record_rings_at_an_entry_that_was_overwritten(run, output):
    run("anchor_ledger/batch")
    assert rung_by(output.text()) == set()
    run("anchor_ledger/overwritten")
    assert rung_by(output.text()) == {"ForgedRecord"}


@pytest.mark.parametrize(
    ("case", "rings"),
    [
        ("batch", set()),
        ("overwritten", {"ForgedRecord"}),
        ("malformed", {"ForgedRecord"}),
    ],
)
def test_what_no_function_of_ours_does_to_the_trail_rings(run, output, case, rings):
    run(f"chain_audit_events/{case}")
    assert rung_by(output.text()) == rings


def test_planted_order_reached_rings_at_a_reveal(run, output, monkeypatch):
    (record,) = EVENTS["chain_audit_events/batch"]["Records"]
    subject = record["dynamodb"]["NewImage"]["subjectId"]["S"]
    monkeypatch.setenv("PLANTED_ORDERS", f"{'f' * 24},{subject.removeprefix('EVENT#')}")
    run("chain_audit_events/batch")
    assert rung_by(output.text()) == {"PlantedOrderReached"}


def test_every_alarm_on_our_own_metrics_is_rung_here():
    assert set(ALARMS) == {
        "TaskFailure",
        "RequestDefect",
        "CannotOpen",
        "RefusalNotRecorded",
        "ClaimLocked",
        "ForgedRecord",
        "PlantedOrderReached",
    }
