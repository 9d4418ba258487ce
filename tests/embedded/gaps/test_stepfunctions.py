"""Step Functions: starting, retrying and ending executions."""

import json
import uuid

import pytest

from tests.embedded.gaps.helpers import (
    finished,
    history,
    machine,
    refused,
    run,
    wait_for,
)
from tests.support.pauses import sometimes_below

pytestmark = pytest.mark.embedded


def test_retry_and_catch_see_the_name_of_the_error_and_the_longest_delay(probe_stack):
    execution = run(probe_stack, **{"raise": "no stock"})
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"]) == "caught"
    events = history(probe_stack.client("stepfunctions"), execution["executionArn"])
    assert events.count("TaskFailed") == 2


def test_a_throttled_task_fails_by_its_name_on_aws(probe_stack):
    function = probe_stack.outputs["FunctionName"]
    client = probe_stack.client("stepfunctions")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {}},
        "End": True,
    }
    limits = probe_stack.client("lambda")
    limits.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        arn = client.start_execution(stateMachineArn=machine(client, task))["executionArn"]
        assert finished(client, arn)["error"] == "Lambda.TooManyRequestsException"
    finally:
        limits.delete_function_concurrency(FunctionName=function)


def test_an_equal_start_is_the_same_execution(probe_stack):
    client = probe_stack.client("stepfunctions")
    waiting = machine(client, {"Type": "Wait", "Seconds": 3600, "End": True})
    start = {"stateMachineArn": waiting, "name": str(uuid.uuid4()), "input": '{"a": 1}'}
    first, again = (client.start_execution(**start)["executionArn"] for _ in range(2))
    assert first == again
    changed = start | {"input": '{"a": 2}'}
    assert refused(client.start_execution, **changed) == "ExecutionAlreadyExists"
    client.stop_execution(executionArn=first)
    assert refused(client.start_execution, **start) == "ExecutionAlreadyExists"


def test_names_and_input_are_checked(probe_stack):
    client, arn = probe_stack.client("stepfunctions"), probe_stack.outputs["MachineArn"]
    start = client.start_execution
    assert refused(start, stateMachineArn=arn, name="not a name") == "InvalidName"
    assert refused(start, stateMachineArn=arn, input="{") == "InvalidExecutionInput"


def test_a_machine_has_its_time(probe_stack):
    assert run(probe_stack, sleep=4)["status"] == "TIMED_OUT"


def test_a_stopped_execution_stays_stopped(probe_stack):
    client = probe_stack.client("stepfunctions")
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {
            "FunctionName": probe_stack.outputs["FunctionName"],
            "Payload": {"sleep": 0.5, "raise": "late"},
        },
        "End": True,
    }
    arn = client.start_execution(stateMachineArn=machine(client, task))["executionArn"]
    wait_for(client, arn, "TaskScheduled")
    client.stop_execution(executionArn=arn)
    wait_for(client, arn, "TaskFailed")
    assert client.describe_execution(executionArn=arn)["status"] == "ABORTED"


def test_it_starts_without_a_pause(probe_stack):
    """The stock emulator sleeps 150 ms before the first state."""
    client = probe_stack.client("stepfunctions")
    arn = machine(client, {"Type": "Succeed"})

    def run_once():
        finished(client, client.start_execution(stateMachineArn=arn)["executionArn"])

    assert sometimes_below(0.15, run_once)


def test_its_logging_can_be_read(probe_stack):
    client = probe_stack.client("stepfunctions")
    machine = client.describe_state_machine(stateMachineArn=probe_stack.outputs["MachineArn"])
    assert machine["loggingConfiguration"]["level"] == "ERROR"
    assert machine["loggingConfiguration"]["includeExecutionData"] is False
