"""How patient the workflow is: long enough for an outage of a day, never longer than AWS allows.

A Retrier's MaxAttempts count for all visits in one execution of its state, and are never given
back: https://states-language.net/#complex-retry-scenarios
"""

import itertools
import random
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardvault import errors
from tests.support.errors import declared
from tests.support.statemachine import definition, parameters_at, tasks
from tests.support.template import ROOT, resources, template

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_EVENTS = 25_000
LONGEST_EXECUTION_S = 365 * 86_400
EVENTS_A_TRY = 3  # TaskScheduled, TaskStarted, and TaskFailed, TaskTimedOut or TaskSucceeded
EVENTS_A_STATE = 2  # entered and exited
EVENTS_AROUND = 2  # ExecutionStarted, and how it ended

DEADLINE_S = template()["Parameters"]["FulfilmentDeadlineSeconds"]["MaxValue"]
BLOCK_S = 15 * 60
AWS_REFUSALS = {
    "AwsUnavailable",
    "TooManyWriters",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
}
DIED = {
    "States.Timeout",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
}
# Waited for by a rule of their own, whose length is a parameter or the block's.
OF_THEIR_OWN = {"OrderPending", "PlacementNotFound", "SupplierBlocked"}
OF_THEIR_OWN |= {"CardsNotReady", "CardUnreadable"}

NORMAL = parameters_at("Default")
LARGEST, SMALLEST = parameters_at("MaxValue"), parameters_at("MinValue")
STEPS = sorted(tasks())
RETRIED = {
    name for task in tasks().values() for rule in task["Retry"] for name in rule["ErrorEquals"]
}


def function_of(step):
    name = tasks()[step]["Parameters"]["FunctionName"]
    return ROOT / resources("AWS::Serverless::Function")[name]["Properties"]["CodeUri"] / "app.py"


@cache
def may_raise(step):
    return declared(function_of(step))


def rule_for(state, error):
    """The Retrier that Step Functions takes: the first that names the error."""
    for rule in state.get("Retry", []):
        if {error, "States.ALL"} & set(rule["ErrorEquals"]):
            return rule
    return None


def longest_pause(rule, number):
    pause = rule["IntervalSeconds"] * rule.get("BackoffRate", 2.0) ** min(number, 64)
    return min(pause, rule.get("MaxDelaySeconds", float("inf")))


def longest_pauses(rule):
    return sum(longest_pause(rule, number) for number in range(rule["MaxAttempts"]))


def mean_pauses(rule):
    jitter = 0.5 if rule.get("JitterStrategy") == "FULL" else 1.0
    return jitter * longest_pauses(rule)


def after(state):
    ways = [state.get("Next"), state.get("Default")]
    ways += [choice["Next"] for choice in state.get("Choices", [])]
    ways += [caught["Next"] for caught in state.get("Catch", [])]
    return [way for way in ways if way]


def worst(machine, cost, at=None):
    """The dearest way from a state to an end. There are no loops but the retries."""
    state = machine["States"][at or machine["StartAt"]]
    return cost(state) + max((worst(machine, cost, way) for way in after(state)), default=0)


def tries(state):
    return 1 + sum(rule["MaxAttempts"] for rule in state.get("Retry", []))


def events(state):
    return EVENTS_A_STATE + (EVENTS_A_TRY * tries(state) if state["Type"] == "Task" else 0)


def seconds(state):
    pauses = sum(longest_pauses(rule) for rule in state.get("Retry", []))
    return pauses + tries(state) * state.get("TimeoutSeconds", 0) + state.get("Seconds", 0)


def test_every_parameter_of_the_workflow_is_bounded():
    assert NORMAL.keys() == SMALLEST.keys() == LARGEST.keys()
    for name, value in NORMAL.items():
        assert SMALLEST[name] <= value <= LARGEST[name]


@pytest.mark.parametrize("parameters", [NORMAL, LARGEST, SMALLEST], ids=["normal", "most", "least"])
def test_i13_no_execution_outgrows_its_history_though_every_budget_be_spent(parameters):
    assert worst(definition(**parameters), events) + EVENTS_AROUND < MOST_EVENTS


def test_i13_no_execution_outlives_a_year_though_every_pause_be_the_longest():
    assert worst(definition(**LARGEST), seconds) < LONGEST_EXECUTION_S


@pytest.mark.parametrize("step", STEPS)
def test_what_costs_nothing_but_waiting_is_waited_for_a_day_in_every_step_it_can_meet(step):
    waited_for = AWS_REFUSALS | {
        name
        for name in may_raise(step) - OF_THEIR_OWN
        if issubclass(getattr(errors, name), errors.Retryable)
    }
    intervals = {name: SMALLEST[name] for name in SMALLEST if name.endswith("IntervalSeconds")}
    for parameters in (NORMAL, {**NORMAL, **intervals}):
        state = tasks(**parameters)[step]
        for error in waited_for:
            rule = rule_for(state, error)
            assert rule, f"{step} does not retry {error}"
            assert mean_pauses(rule) > 1.1 * DEADLINE_S, f"{step} is not patient with {error}"


@pytest.mark.parametrize("error", ["CardsNotReady", "CardUnreadable"])
def test_codes_that_are_late_are_waited_for_half_an_hour(error):
    rule = rule_for(tasks(**NORMAL)["StoreCards"], error)
    assert 1_500 < longest_pauses(rule) < 2_400


def retriers(error):
    """Step -> the Retrier that names the error, without its words."""
    return {
        step: {
            name: value for name, value in rule.items() if name not in {"Comment", "ErrorEquals"}
        }
        for step, state in tasks(**NORMAL).items()
        for rule in state["Retry"]
        if error in rule["ErrorEquals"]
    }


def test_a_list_of_aws_errors_is_whole_wherever_it_stands():
    lists = [set(rule["ErrorEquals"]) for state in tasks().values() for rule in state["Retry"]]
    for whole in (AWS_REFUSALS, DIED):
        touched = [names for names in lists if names & whole]
        assert len(touched) > 1
        assert all(names == whole for names in touched)


@pytest.mark.parametrize("error", sorted(RETRIED))
def test_an_error_is_retried_alike_in_every_step_that_names_it(error):
    found = retriers(error)
    if error in DIED:  # polls are many, and so are those that may die
        assert found["PollFulfilment"].pop("MaxAttempts") > found["PlaceOrder"]["MaxAttempts"]
        found["PollFulfilment"]["MaxAttempts"] = found["PlaceOrder"]["MaxAttempts"]
    first, *others = found.values()
    assert all(other == first for other in others)


@pytest.mark.parametrize("step", STEPS)
def test_a_function_that_dies_is_tried_again_for_hours_unless_it_only_takes_notes(step):
    for error in DIED:
        rule = rule_for(tasks(**NORMAL)[step], error)
        assert rule["MaxAttempts"] >= 10
        if "States.ALL" not in rule["ErrorEquals"]:
            assert mean_pauses(rule) > 3 * 3600


def test_the_deadline_ends_the_polls_before_their_number_does():
    pending = rule_for(tasks(**NORMAL)["PollFulfilment"], "OrderPending")
    assert mean_pauses(pending) > 1.2 * DEADLINE_S


def test_a_step_that_calls_the_supplier_outwaits_a_block_and_does_not_shorten_the_first_pause():
    callers = {step for step in STEPS if "SupplierBlocked" in may_raise(step)}
    assert callers == {"PlaceOrder", "ReconcileOrder", "PollFulfilment", "StoreCards"}
    for step in callers:
        rule = rule_for(tasks(**NORMAL)[step], "SupplierBlocked")
        assert rule["ErrorEquals"] == ["SupplierBlocked"]
        assert rule["IntervalSeconds"] > BLOCK_S
        assert rule.get("JitterStrategy", "NONE") == "NONE"
        assert mean_pauses(rule) > 0.9 * DEADLINE_S


def test_a_refused_key_is_tried_once():
    for step, state in tasks().items():
        assert rule_for(state, "SupplierCredentialsRejected") is None or step.startswith("Record")


def test_reconciling_with_a_supplier_that_answers_ends_before_its_order_can_be_adopted():
    machine = definition(**NORMAL)["States"]
    step, found_none = (
        machine["ReconcileOrder"],
        rule_for(machine["ReconcileOrder"], "PlacementNotFound"),
    )
    takes = machine["PlaceOrder"]["TimeoutSeconds"] + machine["SettlePlacement"]["Seconds"]
    takes += longest_pauses(found_none) + (1 + found_none["MaxAttempts"]) * step["TimeoutSeconds"]
    assert takes < template()["Parameters"]["AdoptableAfterSeconds"]["Default"]


HICCUPS = [
    "SupplierUnavailable",
    "SupplierThrottled",
    "AwsUnavailable",
    "Lambda.TooManyRequestsException",
]


@given(
    kinds=st.lists(st.sampled_from([*HICCUPS, "OrderPending"]), min_size=1, max_size=6),
    chance=st.integers(),
)
def test_no_mix_of_outages_and_pending_answers_ends_a_poll_loop_before_its_deadline(kinds, chance):
    """The Retrier's rule itself, played: whatever repeats all day, the day is over first."""
    state = tasks(**NORMAL)["PollFulfilment"]
    spent, now, jitter = {}, 0.0, random.Random(chance)  # noqa: S311 - a simulation
    for error in itertools.cycle(kinds):
        if now > DEADLINE_S:
            return
        rule = rule_for(state, error)
        number = spent.setdefault(id(rule), 0)
        assert number < rule["MaxAttempts"], f"{error} after {now / 3600:.1f} hours"
        spent[id(rule)] += 1
        now += jitter.uniform(0, longest_pause(rule, number))
