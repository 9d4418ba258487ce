"""What the emulator does well by itself and the product needs."""

import json
import uuid

import pytest
import requests
from botocore.exceptions import ClientError

from tests.embedded.gaps.streaming import create_table, item, key, stream_records

pytestmark = pytest.mark.embedded


def test_asymmetric_and_mac_keys(probe_stack):
    client, outputs = probe_stack.client("kms"), probe_stack.outputs
    signing = client.describe_key(KeyId=outputs["SigningKeyId"])["KeyMetadata"]
    assert (signing["KeySpec"], signing["KeyUsage"]) == ("RSA_2048", "SIGN_VERIFY")
    mac = {"KeyId": outputs["MacKeyId"], "MacAlgorithm": "HMAC_SHA_256", "Message": b"card"}
    made = client.generate_mac(**mac)["Mac"]
    assert client.verify_mac(**mac, Mac=made)["MacValid"]


def test_policies_schedules_rules_alarms_and_senders(probe_stack):
    policy = probe_stack.client("s3").get_bucket_policy(Bucket=probe_stack.outputs["BucketName"])
    assert json.loads(policy["Policy"])["Statement"][0]["Effect"] == "Deny"
    (schedule,) = probe_stack.client("scheduler").list_schedules()["Schedules"]
    assert schedule["Target"]["Arn"].endswith(":live")
    (rule,) = probe_stack.client("events").list_rules()["Rules"]
    assert json.loads(rule["EventPattern"]) == {"source": ["aws.states"]}
    (alarm,) = probe_stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarm["MetricName"] == "ExecutionsFailed"


def test_a_mail_can_be_sent_and_read(probe_stack):
    subject = f"subject-{uuid.uuid4()}"
    text = {"Data": "hello"}
    probe_stack.client("sesv2").send_email(
        FromEmailAddress="cards@example.test",
        Destination={"ToAddresses": ["someone@example.test"]},
        ConfigurationSetName="cards",
        Content={"Simple": {"Subject": {"Data": subject}, "Body": {"Text": text}}},
    )
    mails = requests.get(f"{probe_stack.aws_url}/_ministack/ses/messages", timeout=10)
    assert subject in mails.text


def test_each_write_is_one_record_of_the_stream(probe_stack):
    (table, stream), dynamodb = create_table(probe_stack), probe_stack.client("dynamodb")
    here = {"TableName": table}
    changed = {
        "UpdateExpression": "SET colour = :colour",
        "ExpressionAttributeValues": {":colour": {"S": "blue"}},
    }
    dynamodb.put_item(Item=item("a", "1"), **here)
    dynamodb.update_item(Key=key("a", "1"), **changed, **here)
    dynamodb.update_item(Key=key("a", "2"), **changed, **here)
    puts = [{"PutRequest": {"Item": item("a", "3")}}, {"DeleteRequest": {"Key": key("a", "2")}}]
    dynamodb.batch_write_item(RequestItems={table: puts})
    transaction = [
        {"Put": {"Item": item("a", "4"), **here}},
        {"Update": {"Key": key("a", "3"), **changed, **here}},
        {"Delete": {"Key": key("a", "1"), **here}},
        {
            "ConditionCheck": {
                "Key": key("a", "9"),
                "ConditionExpression": "attribute_not_exists(pk)",
                **here,
            }
        },
    ]
    for _once_more in range(2):  # with the same token nothing is written again
        dynamodb.transact_write_items(TransactItems=transaction, ClientRequestToken="one")
    dynamodb.delete_item(Key=key("a", "4"), **here)

    records = [
        (record["eventName"], record["dynamodb"]) for record in stream_records(probe_stack, stream)
    ]
    assert [(name, change.get("OldImage"), change.get("NewImage")) for name, change in records] == [
        ("INSERT", None, item("a", "1")),
        ("MODIFY", item("a", "1"), item("a", "1", colour="blue")),
        ("INSERT", None, item("a", "2", colour="blue")),
        ("INSERT", None, item("a", "3")),
        ("REMOVE", item("a", "2", colour="blue"), None),
        ("INSERT", None, item("a", "4")),
        ("MODIFY", item("a", "3"), item("a", "3", colour="blue")),
        ("REMOVE", item("a", "1", colour="blue"), None),
        ("REMOVE", item("a", "4"), None),
    ]
    numbers = [int(change["SequenceNumber"]) for _name, change in records]
    assert numbers == sorted(set(numbers))


def test_what_writes_nothing_is_no_record_of_the_stream(probe_stack):
    (table, stream), dynamodb = create_table(probe_stack), probe_stack.client("dynamodb")
    here = {"TableName": table}
    absent = {"ConditionExpression": "attribute_not_exists(pk)"}
    dynamodb.put_item(Item=item("a", "1"), **here)
    dynamodb.put_item(Item=item("a", "1"), **here)  # changes nothing
    dynamodb.delete_item(Key=key("a", "2"), **here)  # there is none
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.put_item(Item=item("a", "1", colour="red"), **absent, **here)
    entries = [
        {"Put": {"Item": item("a", "3"), **here}},
        {"Put": {"Item": item("a", "1", colour="red"), **absent, **here}},
    ]
    with pytest.raises(ClientError, match="TransactionCanceled"):
        dynamodb.transact_write_items(TransactItems=entries)
    (record,) = stream_records(probe_stack, stream)
    assert record["eventName"] == "INSERT"
