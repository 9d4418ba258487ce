"""What is counted for the alarm depends on who invoked the function, and who saw it fail."""

import pytest
from botocore.exceptions import ClientError

from cardvault import errors
from cardvault.aws import tasks
from cardvault.aws.settings import MissingSetting
from cardvault.http.endpoint import STATUS
from tests.support.errors import error_classes
from tests.support.functions import LambdaContext
from tests.support.statemachine import tasks as steps_of_the_workflow

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException"}}, "AnyOperation")
DENIED = ClientError({"Error": {"Code": "AccessDeniedException"}}, "AnyOperation")


def counted(kind, error, capsys):
    """Whether a function of that kind counts the error; it must leave as one of ours."""

    @kind
    def handler(_event):
        raise error

    with pytest.raises(errors.CardvaultError):
        handler({"orderId": "0" * 24}, LambdaContext())
    return "TaskFailures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "by_step", "by_event", "by_operator"),
    [
        (THROTTLED, False, True, True),
        (errors.TooManyWriters(), False, True, True),
        (errors.SupplierUnavailable(), False, True, True),
        (errors.PlacementUnknown(), False, True, True),
        (errors.OrderNotFound(), False, True, False),
        (errors.InvalidRequest(), False, True, False),
        (errors.Conflict(), False, True, False),
        (DENIED, True, True, True),
        (ValueError("CANARY"), True, True, True),
        (MissingSetting("set ORDERS_TABLE"), True, True, True),
        (errors.FulfilmentOverdue(), True, True, True),
        (errors.CannotOpen(), True, True, True),
    ],
)
def test_who_invokes_a_function_decides_what_is_counted(
    capsys, error, by_step, by_event, by_operator
):
    step = tasks.workflow_step(raises=[type(error)])
    kinds = (step, tasks.event_consumer, tasks.operator_action)
    assert [counted(kind, error, capsys) for kind in kinds] == [by_step, by_event, by_operator]


def named_by_the_workflow():
    """Our errors that a state of its own retries or catches, not by States.ALL."""
    names = {
        name
        for state in steps_of_the_workflow().values()
        for rule in [*state["Retry"], *state.get("Catch", [])]
        for name in rule["ErrorEquals"]
    }
    return sorted(name for name in names if hasattr(errors, name))


def test_the_workflow_names_some():
    assert {"AwsUnavailable", "TooManyWriters", "PlacementUnknown"} <= set(named_by_the_workflow())


def step_that_raises(name):
    return tasks.workflow_step(raises=[getattr(errors, name)])


def test_a_step_that_raises_what_it_does_not_declare_fails_its_test(capsys):
    with pytest.raises(pytest.fail.Exception, match="DuplicateCards is not among"):
        counted(step_that_raises("OrderTooLarge"), errors.DuplicateCards(), capsys)


@pytest.mark.parametrize("name", named_by_the_workflow())
def test_what_the_workflow_settles_by_itself_is_not_counted(capsys, name):
    if name != "OrderPending":  # which is no failure, and is tested in test_logs.py
        assert not counted(step_that_raises(name), getattr(errors, name)(), capsys)


@pytest.mark.parametrize("error", list(error_classes()), ids=lambda error: error.__name__)
def test_a_callers_fault_is_what_http_answers_below_500(error):
    status = next(status for family, status in STATUS if issubclass(error, family))
    assert issubclass(error, errors.CALLERS_FAULT) == (status < 500)
