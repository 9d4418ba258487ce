"""What is invoked while nobody waits: an event that fails is kept, and an alarm rings."""

import copy
import re
from functools import cache

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support.alarms import alarms, watching
from tests.support.runtime_api import run_on_lambda
from tests.support.template import ROOT, resources, template

ALARMS = alarms()
FUNCTIONS = resources("AWS::Serverless::Function")
ASYNCHRONOUS = {
    name: events
    for name, function in FUNCTIONS.items()
    if (
        events := {
            event: given
            for event, given in function["Properties"].get("Events", {}).items()
            if given["Type"] != "HttpApi"
        }
    )
}
QUEUE = {"Fn::GetAtt": ["FailedEvents", "Arn"]}
RATE = re.compile(r"rate\((\d+) minutes?\)")


@cache
def expanded():
    """The template as CloudFormation sees it."""
    built = copy.deepcopy(template())
    fields = {
        "AWS::Serverless::Function": "CodeUri",
        "AWS::Serverless::LayerVersion": "ContentUri",
        "AWS::Serverless::StateMachine": "DefinitionUri",
    }
    for name, resource in built["Resources"].items():
        if resource["Type"] in fields:
            resource["Properties"][fields[resource["Type"]]] = {"Bucket": "b", "Key": name}
    session = boto3.Session(region_name="eu-west-1")
    return Translator({}, Parser(), boto_session=session).translate(built, {})["Resources"]


def may_send(role):
    """Whether the role of that logical id may leave messages in the queue."""
    return any(
        statement["Effect"] == "Allow"
        and "sqs:SendMessage" in statement["Action"]
        and statement["Resource"] == QUEUE
        for policy in expanded()[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    )


def test_there_are_functions_that_nobody_waits_for():
    assert {"HandleEmailEventFunction", "SweepDownloadsFunction", "ExpireGiftCardsFunction"} <= set(
        ASYNCHRONOUS
    )


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_an_event_that_lambda_gives_up_is_kept(name):
    config = expanded()[f"{name}EventInvokeConfig"]["Properties"]
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == QUEUE
    assert (config["FunctionName"], config["Qualifier"]) == ({"Ref": name}, "$LATEST")
    assert config["MaximumRetryAttempts"] == 2
    assert config["MaximumEventAgeInSeconds"] <= 3600, "a throttled event is seen within the hour"
    assert may_send(f"{name}Role")


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_a_failure_at_import_is_an_error_to_lambda_which_counts_it(name):
    folder = ROOT / FUNCTIONS[name]["Properties"]["CodeUri"]
    spoken = run_on_lambda(folder, {"POWERTOOLS_SERVICE_NAME": "cardvault-test"}, {})
    assert spoken.path.endswith("/runtime/init/error")
    assert spoken.answer["errorType"] == "MissingSetting"
    declared = FUNCTIONS[name]["Properties"]["Environment"]["Variables"]
    assert spoken.answer["errorMessage"].removeprefix("set ").partition(":")[0] in declared


def test_what_cannot_be_handed_to_lambda_is_kept():
    kept = set()
    for name, resource in expanded().items():
        if resource["Type"] == "AWS::Events::Rule":
            (target,) = resource["Properties"]["Targets"]
            assert target["DeadLetterConfig"]["Arn"] == QUEUE, name
            kept.add(name)
        if resource["Type"] == "AWS::Scheduler::Schedule":
            target = resource["Properties"]["Target"]
            assert target["DeadLetterConfig"]["Arn"] == QUEUE, name
            assert may_send(target["RoleArn"]["Fn::GetAtt"][0])
            kept.add(name)
    assert len(kept) == sum(len(events) for events in ASYNCHRONOUS.values())


def test_the_rules_and_nobody_else_may_leave_events_in_the_queue():
    policy = expanded()["FailedEventsPolicy"]["Properties"]
    assert policy["Queues"] == [{"Ref": "FailedEvents"}]
    (allow,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    rules = {name for name, each in expanded().items() if each["Type"] == "AWS::Events::Rule"}
    allowed = [arn["Fn::GetAtt"] for arn in allow["Condition"]["ArnEquals"]["aws:SourceArn"]]
    assert sorted(allowed) == sorted([name, "Arn"] for name in rules)
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    assert (allow["Action"], allow["Resource"]) == ("sqs:SendMessage", QUEUE)
    (deny,) = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_failed_events_are_encrypted_and_kept_for_as_long_as_sqs_can():
    (queue,) = resources("AWS::SQS::Queue").values()
    assert queue["Properties"]["SqsManagedSseEnabled"] is True
    assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert template()["Outputs"]["FailedEvents"]["Value"] == {"Ref": "FailedEvents"}


@pytest.mark.parametrize("name", ASYNCHRONOUS)
def test_a_function_that_nobody_waits_for_is_watched(name):
    assert watching("Errors", name)
    for event in ASYNCHRONOUS[name].values():
        given = event["Properties"]
        rate = RATE.fullmatch(given.get("ScheduleExpression", given.get("Schedule", "")))
        if rate is None:  # what an event says can get lost, what a schedule says cannot
            assert watching("DestinationDeliveryFailures", name)
            continue
        (silent,) = watching("Invocations", name)
        properties = ALARMS[silent].properties
        assert properties["TreatMissingData"] == "breaching"
        window_s = properties["Period"] * properties["EvaluationPeriods"]
        assert window_s >= 3 * int(rate[1]) * 60, "one late run is no silence"
