"""What several of these tests do."""

import base64
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError


def encoded(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def run(stack, **asked):
    """Run the state machine with something for the probe to do and return how it ended."""
    client = stack.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=stack.outputs["MachineArn"], input=json.dumps(asked)
    )["executionArn"]
    return finished(client, arn)


def finished(client, arn):
    """Wait for the end of an execution: what its last state wrote is seen before that."""
    while (execution := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
        time.sleep(0.02)
    return execution


def machine(client, only_state, role="arn:aws:iam::000000000000:role/any"):
    """Make a state machine of one state."""
    definition = {"StartAt": "Only", "States": {"Only": only_state}}
    return client.create_state_machine(
        name=f"machine-{uuid.uuid4()}",
        roleArn=role,
        definition=json.dumps(definition),
    )["stateMachineArn"]


def history(client, arn):
    return [event["type"] for event in client.get_execution_history(executionArn=arn)["events"]]


def wait_for(client, arn, event):
    while event not in history(client, arn):
        time.sleep(0.02)


def refused(operation, **arguments):
    with pytest.raises(ClientError) as caught:
        operation(**arguments)
    return caught.value.response["Error"]["Code"]
