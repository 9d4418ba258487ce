"""IAM, enforced: what policies of mail and of the downloads bucket ask of a request."""

import json
import os
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.stack.embedded import Stack

pytestmark = pytest.mark.embedded
OWN_KEY = "arn:aws:kms:us-east-1:000000000000:key/own"
OTHER_KEY = "arn:aws:kms:us-east-1:000000000000:key/other"
KEY_CONDITION = "s3:x-amz-server-side-encryption-aws-kms-key-id"


@pytest.fixture(scope="module")
def guarded():
    stock = os.environ.get("EMULATOR_STOCK", "")
    with Stack(auth=True, settings={"EMULATOR_STOCK": stock}) as stack:
        for address in ("cards@shop.example", "other@shop.example"):
            stack.client("sesv2").create_email_identity(EmailIdentity=address)
        stack.client("s3").create_bucket(Bucket="files")
        yield stack


@pytest.fixture
def user(guarded):
    """A client of a service, for a user with one statement."""

    def make(service, **statement):
        iam, name = guarded.client("iam"), f"user-{uuid.uuid4()}"
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
        iam.put_user_policy(UserName=name, PolicyName="one", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=guarded.aws_url,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            config=Config(s3={"addressing_style": "path"}, signature_version="v4"),
        )

    return make


def send(client, sender):
    client.send_email(
        FromEmailAddress=f"Corner Shop <{sender}>",
        Destination={"ToAddresses": ["ada@example.com"]},
        Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    )


def test_a_policy_can_say_as_whom_to_send(user):
    client = user(
        "sesv2",
        Action=["ses:SendEmail"],
        Resource=["arn:aws:ses:us-east-1:000000000000:identity/*"],
        Condition={"StringEquals": {"ses:FromAddress": "cards@shop.example"}},
    )
    send(client, "cards@shop.example")
    with pytest.raises(ClientError, match="AccessDenied"):
        send(client, "other@shop.example")


def put(client, key):
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    client.put_object(Bucket="files", Key="a", Body=b"a", **encryption)


def test_a_bucket_can_insist_on_its_own_key_and_on_tls(guarded, user):
    statements = [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::files/*",
            "Condition": {"StringNotEquals": {KEY_CONDITION: OWN_KEY}},
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::files", "arn:aws:s3:::files/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    guarded.client("s3").put_bucket_policy(Bucket="files", Policy=json.dumps(policy))
    client = user("s3", Action=["s3:PutObject"], Resource=["arn:aws:s3:::files/*"])
    put(client, OWN_KEY)
    with pytest.raises(ClientError, match="AccessDenied"):
        put(client, OTHER_KEY)
