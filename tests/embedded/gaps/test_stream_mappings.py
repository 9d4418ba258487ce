"""Event source mappings of DynamoDB streams: made by SAM, changed by an update, or refused."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.embedded.gaps import streaming

pytestmark = pytest.mark.embedded
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def template(table, trail=None, folder=""):
    """A table, and a function that reads its stream when `trail` says how."""
    resources = {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        "Failures": {"Type": "AWS::SQS::Queue"},
    }
    outputs = {"Table": {"Value": {"Ref": "Table"}}}
    if trail:
        event = {"Type": "DynamoDB", "Properties": trail}
        function = {
            "InlineCode": streaming.READER.read_text(),
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Timeout": 60,
            "AutoPublishAlias": "live",
            "Environment": {"Variables": {"FOLDER": str(folder)}},
            "Events": {"Trail": event},
        }
        resources["Reader"] = {"Type": "AWS::Serverless::Function", "Properties": function}
        outputs["Stream"] = {"Value": {"Fn::GetAtt": ["Table", "StreamArn"]}}
        outputs["Mapping"] = {"Value": {"Ref": "ReaderTrail"}}
        outputs["Queue"] = {"Value": {"Fn::GetAtt": ["Failures", "Arn"]}}
    return json.dumps(
        {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources, "Outputs": outputs}
    )


def trail(**more):
    return {
        "Stream": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "StartingPosition": "TRIM_HORIZON",
        **more,
    }


FULL = trail(
    BatchSize=7,
    MaximumBatchingWindowInSeconds=0,
    ParallelizationFactor=1,
    BisectBatchOnFunctionError=True,
    FunctionResponseTypes=["ReportBatchItemFailures"],
    MaximumRetryAttempts=-1,
    DestinationConfig={
        "OnFailure": {"Type": "SQS", "Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}
    },
    FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
)


@pytest.fixture
def deploy(guarded_streams):
    """Create a stack or update it; return its outputs."""
    client, name = guarded_streams.client("cloudformation"), f"stack-{uuid.uuid4()}"
    done = []

    def one(body):
        request = {"StackName": name, "TemplateBody": body, "Capabilities": CAPABILITIES}
        operation = "update" if done else "create"
        getattr(client, f"{operation}_stack")(**request)
        waiter = client.get_waiter(f"stack_{operation}_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
        done.append(operation)
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    return one


def test_a_stream_and_its_reader_come_with_an_update(deploy, guarded_streams, tmp_path):
    reader = streaming.Reader(guarded_streams, tmp_path)
    table = deploy(template(streaming.TABLE))["Table"]
    dynamodb = guarded_streams.client("dynamodb")
    dynamodb.put_item(TableName=table, Item=streaming.item("a", "before"))
    streamed = {**streaming.TABLE, "StreamSpecification": streaming.STREAM}
    outputs = deploy(template(streamed, FULL, tmp_path))
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["LatestStreamArn"] == outputs["Stream"]

    mapping = guarded_streams.client("lambda").get_event_source_mapping(UUID=outputs["Mapping"])
    wanted = {name: value for name, value in FULL.items() if name != "Stream"}
    wanted["DestinationConfig"] = {"OnFailure": {"Destination": outputs["Queue"]}}
    assert {name: mapping[name] for name in wanted} == wanted
    assert mapping["EventSourceArn"] == outputs["Stream"]
    assert mapping["FunctionArn"].endswith(":live")

    dynamodb.put_item(TableName=table, Item=streaming.item("a", "1"))
    dynamodb.put_item(TableName=table, Item=streaming.item("a", "1", colour="red"))
    dynamodb.put_item(TableName=table, Item=streaming.item("a", "2"))
    sort_keys = [one for batch in reader.wait_for("2") for one in batch]
    assert sort_keys == ["1", "2"]


def test_an_update_takes_back_what_the_template_no_longer_says(deploy, guarded_streams, tmp_path):
    streamed = {**streaming.TABLE, "StreamSpecification": streaming.STREAM}
    before = deploy(template(streamed, FULL, tmp_path))["Mapping"]
    after = deploy(template(streamed, trail(), tmp_path))["Mapping"]
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


def test_cloudformation_refuses_them_too(deploy, guarded_streams, tmp_path):
    """SAM adds the right to send for a destination with a type alone."""
    untyped = {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}}
    streamed = {**streaming.TABLE, "StreamSpecification": streaming.STREAM}
    refused = template(streamed, trail(DestinationConfig=untyped), tmp_path)
    client, name = guarded_streams.client("cloudformation"), f"stack-{uuid.uuid4()}"
    client.create_stack(StackName=name, TemplateBody=refused, Capabilities=CAPABILITIES)
    waiter = client.get_waiter("stack_rollback_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
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
