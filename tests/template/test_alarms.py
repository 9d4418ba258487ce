"""Each alarm rings for its cause and stays quiet without.

The alarms on our own metrics are rung by real functions in tests/store/test_alarms.py.
"""

import ast
import re
from dataclasses import dataclass, field

import pytest

from tests.support.alarms import Alarm, alarms, watching
from tests.support.aws_metrics import DOCUMENTED, VALUES
from tests.support.statemachine import tasks
from tests.support.template import ROOT, resources, template

PACKAGE = ROOT / "layers/cardvault"

ALARMS = alarms()
AWS_MADE = {name for name, alarm in ALARMS.items() if alarm.properties["Namespace"] != "Cardvault"}
FUNCTIONS = resources("AWS::Serverless::Function")
NOW_S = 9_000_000.0
# An alarm on these is on while something is so, and says when it is over. The others tell of
# something that happened, which silence afterwards does not mend.
STATES = {
    "RequestFailure",
    "IssuerFailure",
    "ApplyRetentionSilent",
    "ExpireGiftCardsSilent",
    "ReconcileOrdersSilent",
    "SweepDownloadsSilent",
    "FailedEvents",
    "ChainAuditEventsLate",
}


def ago(minutes, value=1.0):
    return (NOW_S - minutes * 60, value)


@dataclass(frozen=True)
class Case:
    """Values of the metric that must ring, and such that must not."""

    rings: list
    quiet: list = field(default_factory=list)


ONCE = Case(rings=[[ago(2)]], quiet=[[], [ago(2, 0.0)]])
NO_RUN_EACH_15 = Case(
    rings=[[], [ago(80)]],
    quiet=[[ago(5), ago(20), ago(35)], [ago(5), ago(35), ago(50), ago(65)], [ago(20), ago(35)]],
)
CASES = {
    "OrderAttention": ONCE,
    "PublishKeysError": ONCE,
    "HandleEmailEventError": ONCE,
    "HandleEmailEventLost": ONCE,
    "ApplyRetentionError": ONCE,
    "ExpireGiftCardsError": ONCE,
    "ReconcileOrdersError": ONCE,
    "FailedEvents": ONCE,
    "RequestFailure": Case(
        rings=[[ago(2), ago(7)], [ago(2), ago(12)], [ago(2, 50.0), ago(8, 3.0)]],
        quiet=[[], [ago(2)], [ago(1), ago(2), ago(3, 20.0)], [ago(7)]],
    ),
    "IssuerFailure": Case(
        rings=[[ago(2), ago(3)], [ago(1), ago(14)], [ago(2, 2.0)]], quiet=[[], [ago(2)]]
    ),
    "SweepDownloadsError": Case(
        rings=[[ago(0.5), ago(1.5), ago(2.5)], [ago(0.5), ago(1.5), ago(2.5, 0.0), ago(4.5)]],
        quiet=[[], [ago(0.5)], [ago(0.5), ago(1.5)], [ago(0.5, 3.0)]],
    ),
    "SweepDownloadsSilent": Case(
        rings=[[], [ago(7.5), ago(8.5)]],
        quiet=[
            [ago(minute + 0.5) for minute in range(7)],
            [ago(minute + 0.5) for minute in (0, 2, 3, 4, 5, 6)],
            [ago(minute + 0.5) for minute in range(2, 9)],
        ],
    ),
    "ChainAuditEventsLate": Case(
        rings=[
            [ago(minute + 0.5, 3e5) for minute in minutes] for minutes in ((0, 1, 2), (0, 2, 4))
        ],
        quiet=[[], [ago(0.5, 9e5)], [ago(minute + 0.5, 299_999.0) for minute in range(5)]],
    ),
    "ApplyRetentionSilent": NO_RUN_EACH_15,
    "ExpireGiftCardsSilent": NO_RUN_EACH_15,
    "ReconcileOrdersSilent": NO_RUN_EACH_15,
}


# --- the evaluator itself: AWS's own examples ---


def alarm_of(needed, missing):
    return Alarm(
        {
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "Threshold": 1,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": needed,
            "TreatMissingData": missing,
        }
    )


@pytest.mark.parametrize(
    ("needed", "points", "if_breaching", "if_not"),
    [
        (3, "0-X-X", "OK", "OK"),
        (3, "----0", "OK", "OK"),
        (3, "-----", "ALARM", "OK"),
        (3, "0XX-X", "ALARM", "ALARM"),
        (3, "--X--", "ALARM", "OK"),
        (2, "0-X-X", "ALARM", "ALARM"),
        (2, "00X0X", "ALARM", "ALARM"),
        (2, "0-X--", "ALARM", "OK"),
        (2, "----0", "ALARM", "OK"),
        (2, "---X-", "ALARM", "OK"),
    ],
)
def test_missing_data_is_treated_as_in_awss_examples(needed, points, if_breaching, if_not):
    values = [{"0": 0.0, "X": 1.0, "-": None}[point] for point in points]
    assert alarm_of(needed, "breaching").state(values) == if_breaching
    assert alarm_of(needed, "notBreaching").state(values) == if_not


# --- alarms on the metrics that AWS makes ---


def test_every_alarm_on_awss_metrics_is_rung_here():
    assert set(CASES) == AWS_MADE


@pytest.mark.parametrize("name", sorted(AWS_MADE))
def test_an_alarm_watches_a_metric_that_aws_makes_of_the_right_thing(name):
    alarm = ALARMS[name]
    names, source = DOCUMENTED[alarm.properties["Namespace"], alarm.properties["MetricName"]]
    assert source.startswith("https://docs.aws.amazon.com/")
    assert set(alarm.dimensions()) == names
    for dimension, value in alarm.dimensions().items():
        given, types = VALUES[dimension]
        of = value["Ref"] if given == "Ref" else value["Fn::GetAtt"][0]
        assert value == ({"Ref": of} if given == "Ref" else {"Fn::GetAtt": [of, given]})
        assert template()["Resources"][of]["Type"] in types
    assert "Unit" not in alarm.properties, "it would hide values of any other unit"


@pytest.mark.parametrize(
    ("name", "values"), [(name, values) for name in CASES for values in CASES[name].rings]
)
def test_the_cause_rings(name, values):
    assert ALARMS[name].rings(values, NOW_S)


@pytest.mark.parametrize(
    ("name", "values"), [(name, values) for name in CASES for values in CASES[name].quiet]
)
def test_without_the_cause_or_at_one_hiccup_it_is_quiet(name, values):
    assert not ALARMS[name].rings(values, NOW_S)


# --- all alarms ---


def test_each_alarm_watches_something_else_and_they_are_few():
    watched = [
        (alarm.properties["Namespace"], alarm.properties["MetricName"], str(alarm.dimensions()))
        for alarm in ALARMS.values()
    ]
    assert len(set(watched)) == len(watched)
    assert len(ALARMS) <= 23, "each is paid for"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_the_topic_and_a_state_also_when_it_is_over(name):
    topic = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    properties = ALARMS[name].properties
    assert properties["AlarmActions"] == topic
    assert properties.get("OKActions") == (topic if name in STATES else None)
    assert properties["AlarmDescription"]


def test_the_metrics_of_this_stack_are_told_by_its_name():
    for name in set(ALARMS) - AWS_MADE:
        assert ALARMS[name].dimensions() == {"service": {"Ref": "AWS::StackName"}}
    given = template()["Globals"]["Function"]["Environment"]["Variables"]
    assert given["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}


def test_pending_polls_and_other_steps_trip_no_alarm_on_errors():
    for step in tasks().values():
        assert not watching("Errors", step["Parameters"]["FunctionName"])


def test_every_api_and_every_end_of_an_order_is_watched():
    apis = [*resources("AWS::Serverless::HttpApi"), *resources("AWS::ApiGatewayV2::Api")]
    assert len(apis) == 2
    for api in apis:
        assert watching("5xx", api), api
    (machine,) = resources("AWS::Serverless::StateMachine")
    assert watching("ExecutionsFailed", machine)
    # An execution that was stopped or ran out of time, or never began, says nothing. Its order is
    # found: tests/store/test_stuck_orders.py has what that rings.
    assert watching("Errors", "ReconcileOrdersFunction")
    assert watching("Invocations", "ReconcileOrdersFunction")


def test_the_function_that_publishes_the_keys_is_watched():
    # Without them every token is refused by 401, which is no 5xx of the API.
    for route in resources("AWS::ApiGatewayV2::Route").values():
        if "/.well-known/" in route["Properties"]["RouteKey"]:
            integration = re.search(r"\{(\w+)\}", route["Properties"]["Target"]["Fn::Sub"])[1]
            properties = template()["Resources"][integration]["Properties"]
            assert watching("Errors", properties["IntegrationUri"]["Ref"].removesuffix(".Alias"))


# --- the runbook ---


def table(heading):
    """The rows of the first table after a heading of docs/operations.md, without its head."""
    text = (ROOT / "docs/operations.md").read_text().split(f"\n{heading}\n")[1]
    rows = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_every_alarm_has_its_row_in_the_runbook():
    rows = table("## Alarms")
    assert [row[0] for row in rows] == [f"`{name}`" for name in ALARMS]
    for row in rows:
        assert len(row) == 4
        assert all(row), row


def counted():
    """The metrics that the code counts."""
    found = set()
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        names = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "cardvault.aws.metrics"
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
                (argument,) = node.args
                assert isinstance(argument, ast.Constant), "a metric has a name of its own"
                found.add(argument.value)
    return found


def test_every_metric_that_is_counted_rings_or_is_told_to_be_a_number_only():
    ringing = {
        alarm.properties["MetricName"] for name, alarm in ALARMS.items() if name not in AWS_MADE
    }
    numbers = {row[0].strip("`") for row in table("### Numbers without an alarm")}
    assert not ringing & numbers
    assert counted() == ringing | numbers
