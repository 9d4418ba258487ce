"""IAM, enforced: the emulator with AUTH=true, and users who may do one thing with one key."""

import json
import os
import uuid

import boto3
import pytest

from local.stack.embedded import Stack
from tests.embedded.gaps.helpers import finished, machine, refused

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def guarded():
    stock = os.environ.get("EMULATOR_STOCK", "")
    with Stack(auth=True, settings={"EMULATOR_STOCK": stock}) as stack:
        yield stack


@pytest.fixture(scope="module")
def keys(guarded):
    made = [guarded.client("kms").create_key()["KeyMetadata"] for _ in range(2)]
    return [key["Arn"] for key in made]


@pytest.fixture
def allowed(guarded):
    """Make a user with some statements and return their KMS client."""

    def make(*statements):
        iam, name = guarded.client("iam"), f"user-{uuid.uuid4()}"
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": [allow(*one) for one in statements]}
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return boto3.client(
            "kms",
            endpoint_url=guarded.aws_url,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return make


def test_a_policy_sees_the_encryption_context(allowed, keys):
    kms = allowed(("kms:GenerateDataKey", keys[0], {"purpose": "cards"}))
    wanted = {"KeyId": keys[0], "KeySpec": "AES_256"}
    assert kms.generate_data_key(**wanted, EncryptionContext={"purpose": "cards"})
    other = {"EncryptionContext": {"purpose": "mail"}}
    assert refused(kms.generate_data_key, **wanted, **other) == "AccessDeniedException"
    assert refused(kms.generate_data_key, **wanted) == "AccessDeniedException"


def test_re_encrypt_takes_both_of_its_actions(allowed, guarded, keys):
    blob = guarded.client("kms").encrypt(KeyId=keys[0], Plaintext=b"x")["CiphertextBlob"]
    leave, enter = ("kms:ReEncryptFrom", keys[0]), ("kms:ReEncryptTo", keys[1])
    again = {"CiphertextBlob": blob, "DestinationKeyId": keys[1]}
    assert allowed(leave, enter).re_encrypt(**again)["KeyId"] == keys[1]
    for only in (leave, enter):
        assert refused(allowed(only).re_encrypt, **again) == "AccessDeniedException"


@pytest.mark.parametrize("permitted", [True, False])
def test_a_state_machine_invokes_only_what_its_role_may(guarded, permitted):
    iam, states, name = guarded.client("iam"), guarded.client("stepfunctions"), str(uuid.uuid4())
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}}
    trust |= {"Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if permitted:
        policy = {"Version": "2012-10-17", "Statement": [allow("lambda:InvokeFunction", "*")]}
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(policy))
    parameters = {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:missing"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    arn = machine(states, task | {"Parameters": parameters}, role)
    done = finished(states, states.start_execution(stateMachineArn=arn)["executionArn"])
    refused_for = "ResourceNotFoundException" if permitted else "AccessDeniedException"
    assert done["error"] == f"Lambda.{refused_for}"


def allow(action, resource, context=None):
    conditions = {f"kms:EncryptionContext:{name}": value for name, value in (context or {}).items()}
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": {"StringEquals": conditions}} if conditions else {})
