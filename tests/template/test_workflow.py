"""The state machine: every name it catches exists, every step is bounded, no card crosses it."""

import json
import re

import pytest
from cfnlint.api import lint_all

from cardvault import errors
from cardvault.fulfilment.outcome import MAIL_STEP
from tests.support.errors import declared
from tests.support.openapi import spec
from tests.support.statemachine import definition, tasks
from tests.support.template import ROOT, resources

AWS_ERRORS = {
    "States.ALL",
    "States.Timeout",
    "Sandbox.Timedout",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
}
STEPS = sorted(tasks())


def named_errors():
    return {
        name
        for state in tasks().values()
        for rule in state.get("Retry", []) + state.get("Catch", [])
        for name in rule["ErrorEquals"]
    }


def test_every_error_named_is_ours_or_awss():
    ours = named_errors() - AWS_ERRORS
    assert ours
    for name in ours:
        assert issubclass(getattr(errors, name), errors.CardvaultError), name


def test_every_retried_error_of_ours_says_nothing_was_done():
    retried = {
        name
        for state in tasks().values()
        for rule in state["Retry"]
        for name in rule["ErrorEquals"]
    }
    for name in retried - AWS_ERRORS:
        assert issubclass(getattr(errors, name), errors.Retryable), name


def test_the_definition_is_valid():
    template = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"RoleArn": "arn:aws:iam::1:role/x", "Definition": definition()},
            }
        }
    }
    found = lint_all(json.dumps(template))
    assert [match.message for match in found if match.rule.id.startswith("E36")] == []


@pytest.mark.parametrize("step", STEPS)
def test_a_step_outlives_its_function_and_is_bounded(step):
    state = tasks()[step]
    function = resources("AWS::Serverless::Function")[state["Parameters"]["FunctionName"]]
    assert state["TimeoutSeconds"] > function["Properties"]["Timeout"]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_gives_up_is_recorded(step):
    if step in {"RecordFailure", "RecordMailFailure"}:
        assert tasks()[step]["Next"] == "NeedsAttention"
        return
    (last,) = tasks()[step]["Catch"][-1:]
    assert last["ErrorEquals"] == ["States.ALL"]
    mails = step == "SendDeliveryEmail"
    assert last["Next"] == ("RecordMailFailure" if mails else "RecordFailure")


def test_who_records_a_failure_of_the_mail_is_told_so():
    told = {name: state["Parameters"]["Payload"].get("step") for name, state in tasks().items()}
    assert {name: step for name, step in told.items() if step} == {"RecordMailFailure": MAIL_STEP}


@pytest.mark.parametrize("step", STEPS)
def test_retries_are_bounded_and_jittered(step):
    for rule in tasks()[step]["Retry"]:
        assert rule["IntervalSeconds"] >= 1
        assert rule["MaxAttempts"] >= 1
        if rule["MaxAttempts"] > 10:
            assert rule["MaxDelaySeconds"] >= 1
            if rule["ErrorEquals"] != ["SupplierBlocked"]:  # whose first pause must be whole
                assert rule["JitterStrategy"] == "FULL"


def test_the_poll_loop_is_one_retry_on_pending_with_its_own_parameters():
    pending = tasks()["PollFulfilment"]["Retry"][0]
    assert pending["ErrorEquals"] == ["OrderPending"]
    assert all(
        pending[name] == 7
        for name in ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts")
    )


def test_steps_are_handed_ids_and_times_only():
    handed = {
        value for state in tasks().values() for value in state["Parameters"]["Payload"].values()
    }
    assert handed == {"$", "$.orderId", "$$.Execution.StartTime", "$.failure.Error", MAIL_STEP}


def test_steps_hand_back_statuses_only():
    for name, state in tasks().items():
        kept = state.get("ResultPath", "everything")
        if kept is not None:
            assert set(state["ResultSelector"]) <= {"status.$", "cardCount.$", "emailWanted.$"}, (
                name
            )


def test_history_is_logged_without_data():
    (machine,) = resources("AWS::Serverless::StateMachine").values()
    assert machine["Properties"]["Logging"]["IncludeExecutionData"] is False
    assert machine["Properties"]["Tracing"]["Enabled"] is True


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("FulfilmentOverdue", "FULFILMENT_OVERDUE"),
        ("States.Timeout", "TASK_TIMED_OUT"),
        ("KeyError", "INTERNAL_ERROR"),
    ],
)
def test_every_end_has_a_reason_code(name, code):
    assert errors.code_named(name) == code


# Found in the code, but never on an order.
NO_REASONS = {
    "CANNOT_OPEN": "of a layout that is read; one that is sealed is ours",
    "ORDER_NOT_FOUND": "there is no order to note it on",
    "ORDER_PENDING": "noted as FULFILMENT_OVERDUE",
    "PLACEMENT_UNKNOWN": "it leads to ReconcileOrder",
}
# Given by reconcile_orders, which is no step: tests/store/test_stuck_orders.py.
OF_ORDERS_THAT_STOPPED = {errors.WorkflowStopped.code, errors.MailOutcomeUnknown.code}


def reasons():
    """Every `attentionReason` that there is."""
    functions = resources("AWS::Serverless::Function")
    folders = {
        functions[state["Parameters"]["FunctionName"]]["Properties"]["CodeUri"]
        for state in tasks().values()
    }
    names = {name for folder in folders for name in declared(ROOT / folder / "app.py")}
    found = {errors.code_named(name) for name in names | AWS_ERRORS | {"InternalError"}}
    assert set(NO_REASONS) <= found
    return (found | OF_ORDERS_THAT_STOPPED) - set(NO_REASONS)


def test_every_reason_for_attention_is_in_the_api_s_description():
    described = spec()["components"]["schemas"]["Order"]["properties"]["attentionReason"]
    assert described["enum"] == sorted(reasons())


def test_every_reason_for_attention_is_in_the_operators_table():
    text = (ROOT / "docs/operations.md").read_text()
    rows = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `")]
    told = {code for row in rows for code in re.findall(r"`([A-Z_]+)`", row)}
    assert reasons() <= told
    assert told <= reasons(), "and it names no others"


def test_codes_are_unique():
    def tree(error):
        yield error
        for child in error.__subclasses__():
            yield from tree(child)

    codes = [
        error.code for error in tree(errors.CardvaultError) if error.__module__ == errors.__name__
    ]
    assert sorted(set(codes)) == sorted(codes) or codes.count("INTERNAL_ERROR") == 2
