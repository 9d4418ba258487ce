"""What the emulator does well by itself and the product needs."""

import json
import uuid

import pytest
import requests

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
