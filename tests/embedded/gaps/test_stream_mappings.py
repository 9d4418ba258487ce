"""Event source mappings of DynamoDB streams: made by SAM, changed by an update, or refused."""

import time
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.embedded.gaps import streaming

pytestmark = pytest.mark.embedded


def test_an_update_takes_back_what_the_template_no_longer_says(deploy, guarded_streams, tmp_path):
    before = deploy(streaming.template(streaming.STREAMED, streaming.FULL, tmp_path))["Mapping"]
    after = deploy(streaming.template(streaming.STREAMED, streaming.trail(), tmp_path))["Mapping"]
    assert after == before
    mapping = guarded_streams.client("lambda").get_event_source_mapping(UUID=after)
    assert mapping["BatchSize"] == 100
    assert mapping["FunctionResponseTypes"] == []
    gone = {"FilterCriteria", "DestinationConfig", "BisectBatchOnFunctionError"}
    assert not gone & mapping.keys()


def test_a_mapping_that_the_role_does_not_allow_is_refused(guarded_streams, streamed, tmp_path):
    reader = streaming.Reader(guarded_streams, tmp_path)
    reader.create(streaming.create_role(guarded_streams, "dynamodb:GetRecords"))
    with pytest.raises(ClientError, match="Cannot access stream"):
        reader.maps(streamed[1])


def test_a_destination_that_the_role_does_not_allow_is_refused(guarded_streams, streamed, tmp_path):
    reader = streaming.Reader(guarded_streams, tmp_path)
    reader.create(streaming.create_role(guarded_streams, managed=[streaming.READING]))
    queue = "arn:aws:sqs:us-east-1:000000000000:failures"
    with pytest.raises(ClientError, match="does not have permissions to call SendMessage on SQS"):
        reader.maps(streamed[1], DestinationConfig={"OnFailure": {"Destination": queue}})


def test_a_stream_that_is_not_there_and_a_filter_that_is_none_are_refused(reader, streamed):
    with pytest.raises(ClientError, match="Stream not found"):
        reader.maps(f"{streamed[1]}1")
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        reader.maps(streamed[1], FilterCriteria={"Filters": [{"Pattern": '{"eventName": 1}'}]})


def test_cloudformation_refuses_them_too(guarded_streams, tmp_path):
    """SAM adds the right to send for a destination with a type alone."""
    untyped = {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}}
    refused = streaming.template(
        streaming.STREAMED, streaming.trail(DestinationConfig=untyped), tmp_path
    )
    client, name = guarded_streams.client("cloudformation"), f"stack-{uuid.uuid4()}"
    client.create_stack(StackName=name, TemplateBody=refused, Capabilities=streaming.CAPABILITIES)
    while (status := client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]).endswith(
        "IN_PROGRESS"
    ):
        time.sleep(0.05)
    assert status == "ROLLBACK_COMPLETE"
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert "does not have permissions to call SendMessage on SQS" in reasons


def test_a_right_that_is_taken_away_stops_the_reading(reader, streamed, write):
    lambdas, iam = reader.aws.client("lambda"), reader.aws.client("iam")
    mapping = reader.maps(streamed[1])
    role = lambdas.get_function_configuration(FunctionName=reader.name)["Role"].rpartition("/")[2]
    write("a", "1")
    reader.wait_for("1")
    iam.detach_role_policy(RoleName=role, PolicyArn=streaming.READING)
    write("a", "2")
    result = ""
    while "Cannot access stream" not in result:
        result = lambdas.get_event_source_mapping(UUID=mapping)["LastProcessingResult"]
    assert reader.sort_keys() == [["1"]]
    iam.attach_role_policy(RoleName=role, PolicyArn=streaming.READING)
    assert reader.wait_for("2") == [["1"], ["2"]]
