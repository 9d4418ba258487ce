"""For operators: what waits in the queue of failed events, and replaying it.

    python -m cardvault.aws.failed_events QUEUE_URL            # shows it
    python -m cardvault.aws.failed_events QUEUE_URL --replay   # hands each to its function

A replayed event is deleted once its function has done with it; any other stays in the queue.
Every function here may be given an event twice.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# A message that was read is hidden for so long, and then there again unless it was deleted.
SHOWN_S = 10
REPLAYED_S = 90
# The slowest function takes 50 s, and a second call beside the first would be for nothing.
_PATIENT = Config(read_timeout=60, retries={"total_max_attempts": 1})
AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class FailedEvent:
    """An event, the ARN of the function it was for (None if it names none), and what went wrong."""

    message_id: str
    receipt: str = field(repr=False)
    function: str | None
    payload: Any = field(repr=False)
    reason: str

    @classmethod
    def parse(cls, message: "MessageTypeDef") -> "FailedEvent":
        """As Lambda, a rule or a schedule left it.

        Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
        https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-on-failure.html
        """
        body = _json(message["Body"])
        attributes = {
            name: str(value.get("StringValue"))
            for name, value in message.get("MessageAttributes", {}).items()
        }
        function, payload, reason = (
            attributes.get("TARGET_ARN"),
            body,
            attributes.get("ERROR_CODE", "unknown"),
        )
        if isinstance(body, dict) and "requestPayload" in body:
            answer = body.get("responsePayload") or {}
            function, payload = body["requestContext"]["functionArn"], body["requestPayload"]
            reason = f"{body['requestContext']['condition']} {answer.get('errorType', '')}".strip()
        elif isinstance(body, dict) and "DDBStreamBatchInfo" in body:
            reason = f"{body['requestContext']['condition']} of a batch of the audit trail's stream"
        return cls(message["MessageId"], message["ReceiptHandle"], function, payload, reason)


@dataclass(frozen=True, slots=True)
class FailedEvents:
    """The queue, and the functions that its events were for."""

    sqs: "SQSClient"
    functions: "LambdaClient"
    queue_url: str

    def read(self, hidden_s: int) -> Iterator[FailedEvent]:
        """Each event once. What was read is hidden from anyone for so long."""
        seen: set[str] = set()
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.queue_url,
                MaxNumberOfMessages=AT_ONCE,
                VisibilityTimeout=hidden_s,
                WaitTimeSeconds=1,
                MessageAttributeNames=["All"],
            )
            events = [FailedEvent.parse(message) for message in answer.get("Messages", [])]
            fresh = [event for event in events if event.message_id not in seen]
            if not fresh:
                return
            seen.update(event.message_id for event in fresh)
            yield from fresh

    def replay(self, event: FailedEvent) -> bool:
        """Whether the function did it this time; if so, the event is deleted."""
        if event.function is None:
            return False
        answer = self.functions.invoke(
            FunctionName=event.function, Payload=json.dumps(event.payload).encode()
        )
        if answer.get("FunctionError"):
            return False
        self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=event.receipt)
        return True


def main(arguments: list[str]) -> int:
    """Show or replay; the exit status is 1 if a replayed event failed again."""
    parser = argparse.ArgumentParser(prog="python -m cardvault.aws.failed_events")
    parser.add_argument("queue_url")
    parser.add_argument("--replay", action="store_true")
    asked = parser.parse_args(arguments)
    queue = FailedEvents(
        boto3.client("sqs"), boto3.client("lambda", config=_PATIENT), asked.queue_url
    )
    failed = 0
    for event in queue.read(REPLAYED_S if asked.replay else SHOWN_S):
        outcome = "waits"
        if asked.replay:
            done = queue.replay(event)
            outcome, failed = ("replayed", failed) if done else ("failed again", failed + 1)
        sys.stdout.write(f"{event.message_id} {event.function} {event.reason}: {outcome}\n")
    return 1 if failed else 0


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
