"""IAM, enforced: what policies ask of the items that a DynamoDB request names."""

import json
import os
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from local.stack.embedded import Stack

pytestmark = pytest.mark.embedded
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/games"


@pytest.fixture(scope="module")
def guarded():
    stock = os.environ.get("EMULATOR_STOCK", "")
    with Stack(auth=True, settings={"EMULATOR_STOCK": stock}) as stack:
        stack.client("dynamodb").create_table(
            TableName="games",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        yield stack


@pytest.fixture
def player(guarded):
    """A client that may update some attributes of games, and put players alone."""
    return client_that_may(
        guarded,
        {
            "Action": "dynamodb:UpdateItem",
            "Condition": {
                "ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "wins"]},
                "ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": ["*#*"]},
            },
        },
        {
            "Action": "dynamodb:PutItem",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["PLAYER#*"]}},
        },
    )


@pytest.fixture
def recorder(guarded):
    """A client that may do anything with events, and nothing with other items."""
    events = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["EVENT#*"]}}
    return client_that_may(guarded, {"Action": "dynamodb:*", "Condition": events})


def client_that_may(guarded, *statements):
    policy = [{"Effect": "Allow", "Resource": TABLE, **statement} for statement in statements]
    iam, name = guarded.client("iam"), f"user-{uuid.uuid4()}"
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": policy})
    iam.put_user_policy(UserName=name, PolicyName="one", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=guarded.aws_url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def update(key="1", expression="SET wins = :n", **more):
    values = {":n": {"N": "1"}}
    asked = {"UpdateExpression": expression, "ExpressionAttributeValues": values, **more}
    return {"TableName": "games", "Key": {"id": {"S": key}}, **asked}


def put(key):
    return {"TableName": "games", "Item": {"id": {"S": key}}}


@pytest.mark.parametrize(
    "refused",
    [
        update(expression="SET losses = :n"),
        update(expression="SET #0 = :n", ExpressionAttributeNames={"#0": "losses"}),
        update(ConditionExpression="losses < :n"),
        update(ReturnValues="ALL_NEW"),
        update(key="PLAYER#1"),
    ],
)
def test_an_update_may_touch_what_its_policy_names(player, refused):
    assert player.update_item(**update(ReturnValues="UPDATED_NEW"))["Attributes"]
    with pytest.raises(ClientError, match="AccessDenied"):
        player.update_item(**refused)


def test_a_put_may_be_of_one_kind_of_item(player):
    player.put_item(**put("PLAYER#1"))
    with pytest.raises(ClientError, match="AccessDenied"):
        player.put_item(**put("1"))


def test_each_item_of_a_transaction_is_judged_by_itself(player):
    def write(*items):
        player.transact_write_items(TransactItems=list(items))

    write({"Put": put("PLAYER#1")}, {"Update": update()})
    for refused in ({"Put": put("2")}, {"Update": update(key="PLAYER#2")}):
        with pytest.raises(ClientError, match="AccessDenied"):
            write({"Put": put("PLAYER#1")}, {"Update": update()}, refused)


OF_OTHER_KINDS = ["EVENT", "event#1", "ANOTHER_EVENT#1", "1"]


@pytest.mark.parametrize("other", OF_OTHER_KINDS)
def test_a_prefix_binds_each_write(recorder, other):
    key = {"id": {"S": other}}
    recorder.put_item(**put("EVENT#1"))
    for refused, asked in (
        (recorder.put_item, put(other)),
        (recorder.update_item, update(key=other)),
        (recorder.delete_item, {"TableName": "games", "Key": key}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused(**asked)


@pytest.mark.parametrize("other", OF_OTHER_KINDS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_prefix_binds_each_item_of_a_transaction(recorder, other, place):
    def entries():
        return [
            {"Put": put("EVENT#1")},
            {"Update": update(key="EVENT#2")},
            {"Delete": {"TableName": "games", "Key": {"id": {"S": "EVENT#3"}}}},
        ]

    recorder.transact_write_items(TransactItems=entries())
    absent = {"ConditionExpression": "attribute_not_exists(id)"}
    for refused in (
        {"Put": put(other)},
        {"Update": update(key=other)},
        {"Delete": {"TableName": "games", "Key": {"id": {"S": other}}}},
        {"ConditionCheck": {"TableName": "games", "Key": {"id": {"S": other}}, **absent}},
    ):
        items = entries()
        items.insert(place, refused)
        with pytest.raises(ClientError, match="AccessDenied"):
            recorder.transact_write_items(TransactItems=items)


def test_a_prefix_binds_each_item_of_a_batch(recorder):
    events = [{"PutRequest": {"Item": {"id": {"S": f"EVENT#{n}"}}}} for n in range(2)]
    recorder.batch_write_item(RequestItems={"games": events})
    other = {"PutRequest": {"Item": {"id": {"S": "1"}}}}
    with pytest.raises(ClientError, match="AccessDenied"):
        recorder.batch_write_item(RequestItems={"games": [*events, other]})
