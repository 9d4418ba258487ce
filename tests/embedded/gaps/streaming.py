"""A table with a stream, and a function that reads it and keeps what it got in a folder."""

import io
import json
import os
import time
import uuid
import zipfile
from pathlib import Path

from local.stack.embedded import Stack

READER = Path(__file__).parent.parent / "data" / "functions" / "reader" / "app.py"
READING = "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"
TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
}
STREAM = {"StreamViewType": "NEW_AND_OLD_IMAGES"}
STREAMED = {**TABLE, "StreamSpecification": STREAM}
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]


def stack(**more):
    return Stack(
        auth=True, settings={"EMULATOR_STOCK": os.environ.get("EMULATOR_STOCK", "")}, **more
    )


def create_table(aws):
    """Make a table with a stream; return its name and the stream's ARN."""
    name = f"table-{uuid.uuid4()}"
    specification = {"StreamEnabled": True, **STREAM}
    made = aws.client("dynamodb").create_table(
        TableName=name, StreamSpecification=specification, **TABLE
    )
    return name, made["TableDescription"]["LatestStreamArn"]


def key(pk, sk):
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def item(pk, sk, **attributes):
    return {**key(pk, sk), **{name: {"S": value} for name, value in attributes.items()}}


def stream_records(aws, stream):
    client = aws.client("dynamodbstreams")
    (shard,) = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    iterator = client.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return client.get_records(ShardIterator=iterator)["Records"]


def create_role(aws, *actions, managed=()):
    """Make a role that functions may have, which allows some actions."""
    iam, name = aws.client("iam"), f"role-{uuid.uuid4()}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for policy in managed:
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    if actions:
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return arn


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
            "InlineCode": READER.read_text(),
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


class Reader:
    """The function of a test, and what it has got so far."""

    def __init__(self, aws, folder):
        self.aws = aws
        self.folder = folder
        self.name = f"reader-{uuid.uuid4()}"
        self.asks()

    def create(self, role):
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("app.py", READER.read_text())
        self.aws.client("lambda").create_function(
            FunctionName=self.name,
            Runtime="python3.13",
            Handler="app.handler",
            Role=role,
            Timeout=60,
            Code={"ZipFile": package.getvalue()},
            Environment={"Variables": {"FOLDER": str(self.folder)}},
        )

    def maps(self, stream, **settings):
        """Let it read a stream from its beginning; return the mapping's UUID."""
        mapping = {"EventSourceArn": stream, "StartingPosition": "TRIM_HORIZON", **settings}
        made = self.aws.client("lambda").create_event_source_mapping(
            FunctionName=self.name, **mapping
        )
        return made["UUID"]

    def asks(self, *fails, by="raising", answer=None):
        """Choose the sort keys that fail from now on, and how."""
        unfinished = self.folder / "unfinished"
        unfinished.write_text(json.dumps({"fails": fails, "by": by, "answer": answer}))
        unfinished.rename(self.folder / "asked")

    def hold(self):
        (self.folder / "hold").touch()

    def let_go(self):
        (self.folder / "hold").unlink()

    def batches(self):
        noted = self.folder / "batches"
        lines = noted.read_text().splitlines() if noted.exists() else []
        return [json.loads(line)["Records"] for line in lines if line.endswith("}")]

    def sort_keys(self):
        """The sort keys of each batch."""
        return [[r["dynamodb"]["Keys"]["sk"]["S"] for r in batch] for batch in self.batches()]

    def wait_for(self, *wanted):
        """Wait until it has got these sort keys, and return the batches' sort keys."""
        while not set(wanted) <= {one for batch in self.sort_keys() for one in batch}:
            time.sleep(0.02)
        return self.sort_keys()
