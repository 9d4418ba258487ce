"""An event that was given up is shown, replayed, and deleted when its function has done with it."""

import io
import json

import boto3
import pytest

from cardvault.aws import failed_events
from cardvault.aws.failed_events import REPLAYED_S, FailedEvents
from cardvault.errors import CardvaultError
from tests.support.apps import load_app
from tests.support.functions import EVENTS, LambdaContext

ARN = "arn:aws:lambda:eu-west-1:123456789012:function"
BOUNCE = EVENTS["handle_email_event/bounce"]


class Functions:
    """Lambda's own invoke, by running the function here."""

    def __init__(self):
        self.invoked = []

    def invoke(self, FunctionName, Payload):  # noqa: N803 - AWS's names
        name, event = FunctionName.removeprefix(f"{ARN}:").split(":")[0], json.loads(Payload)
        self.invoked.append((name, event))
        try:
            answer = load_app(name).handler(event, LambdaContext())
        except CardvaultError as error:
            said = {"errorType": type(error).__name__}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def queue(run, cloud):
    """The queue, in the world of the events, with functions that run here."""
    run("handle_email_event/delivery")
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="failed-events")["QueueUrl"]
    return FailedEvents(sqs, Functions(), url)


def from_lambda(queue, event, function="handle_email_event"):
    """As Lambda leaves an event that it gave up.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    record = {
        "version": "1.0",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": f"{ARN}:{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorType": "InternalError", "errorMessage": "AccessDenied"},
    }
    queue.sqs.send_message(QueueUrl=queue.queue_url, MessageBody=json.dumps(record))


def from_a_rule(queue, event, function="handle_email_event"):
    """As a rule or a schedule leaves an event that it could not hand over.

    Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    """
    told = {"TARGET_ARN": f"{ARN}:{function}", "ERROR_CODE": "NO_PERMISSIONS"}
    attributes = {
        name: {"DataType": "String", "StringValue": value} for name, value in told.items()
    }
    body = event if isinstance(event, str) else json.dumps(event)
    queue.sqs.send_message(QueueUrl=queue.queue_url, MessageBody=body, MessageAttributes=attributes)


def waiting(queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = queue.sqs.get_queue_attributes(QueueUrl=queue.queue_url, AttributeNames=names)
    return sum(int(number) for number in told["Attributes"].values())


@pytest.mark.parametrize("left", [from_lambda, from_a_rule])
def test_a_bounce_that_was_given_up_is_noted_after_all(queue, left, cloud):
    left(queue, BOUNCE)
    (event,) = queue.read(REPLAYED_S)
    assert queue.replay(event)
    assert waiting(queue) == 0
    order = cloud.client("dynamodb").scan(
        TableName="OrdersTable",
        FilterExpression="emailStatus = :status",
        ExpressionAttributeValues={":status": {"S": "bounced"}},
    )
    assert order["Count"] == 1


def test_what_fails_again_stays(queue):
    from_lambda(queue, {"detail": {**BOUNCE["detail"], "bounce": None}})
    (event,) = queue.read(REPLAYED_S)
    assert not queue.replay(event)
    assert waiting(queue) == 1


def test_a_bounce_that_is_replayed_twice_is_noted_once(queue):
    from_lambda(queue, BOUNCE)
    from_lambda(queue, BOUNCE)
    answers = [queue.replay(event) for event in queue.read(REPLAYED_S)]
    assert answers == [True, True]
    assert waiting(queue) == 0


def test_each_event_goes_to_the_function_that_it_was_for(queue):
    from_lambda(queue, BOUNCE)
    from_a_rule(queue, {"scheduled": True}, "sweep_downloads")
    from_a_rule(queue, "no JSON", "expire_gift_cards")
    for event in queue.read(REPLAYED_S):
        assert queue.replay(event)
    invoked = dict(queue.functions.invoked)
    assert invoked["handle_email_event"] == BOUNCE
    assert invoked["sweep_downloads"] == {"scheduled": True}
    assert invoked["expire_gift_cards"] == {}


def test_any_number_is_read_each_once_and_showing_deletes_nothing(queue):
    for _ in range(25):
        from_lambda(queue, BOUNCE)
    assert len(list(queue.read(REPLAYED_S))) == 25
    assert waiting(queue) == 25


def test_a_batch_of_a_stream_that_was_given_up_is_named_as_such(queue):
    """Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-on-failure.html"""
    record = {
        "requestContext": {
            "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
            "functionArn": f"{ARN}:chain_audit_events",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 51,
        },
        "version": "1.0",
        "DDBStreamBatchInfo": {"shardId": "shardId-1", "batchSize": 3},
    }
    queue.sqs.send_message(QueueUrl=queue.queue_url, MessageBody=json.dumps(record))
    (event,) = queue.read(REPLAYED_S)
    assert event.reason == "RetryAttemptsExhausted of a batch of the audit trail's stream"
    assert not queue.replay(event)
    assert waiting(queue) == 1


def test_what_is_for_no_known_function_is_shown_and_left(queue):
    queue.sqs.send_message(QueueUrl=queue.queue_url, MessageBody="hello")
    (event,) = queue.read(REPLAYED_S)
    assert (event.function, event.reason) == (None, "unknown")
    assert not queue.replay(event)
    assert waiting(queue) == 1


@pytest.mark.parametrize(
    ("flags", "detail", "status", "outcome"),
    [
        ([], BOUNCE["detail"], 0, "waits"),
        (["--replay"], BOUNCE["detail"], 0, "replayed"),
        (["--replay"], {**BOUNCE["detail"], "bounce": None}, 1, "failed again"),
    ],
)
def test_the_command_shows_what_went_wrong_and_nothing_of_the_event(
    queue, monkeypatch, capsys, flags, detail, status, outcome
):
    from_lambda(queue, {"detail": detail})
    clients = {"sqs": queue.sqs, "lambda": queue.functions}
    monkeypatch.setattr(boto3, "client", lambda name, **_: clients[name])
    assert failed_events.main([queue.queue_url, *flags]) == status
    (line,) = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("{")]
    assert line.endswith(
        f" {ARN}:handle_email_event:$LATEST RetriesExhausted InternalError: {outcome}"
    )
    assert "ada@" not in line
