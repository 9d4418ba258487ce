"""A stack with one resource of each kind that the emulator has a gap for.

Each test here shows one defect of the stock emulator: with EMULATOR_STOCK=1 it must fail, some by
waiting for ever (`--timeout=60`). One that passes there (but for `test_no_gaps.py` and
`test_no_gaps_streams.py`) names a gap that need not be filled any longer.
"""

import os
import time
import uuid
from pathlib import Path

import pytest
import requests

from local.stack.embedded import Stack
from tests.embedded.gaps import streaming
from tests.embedded.gaps.helpers import encoded

TEMPLATE = Path(__file__).parent.parent / "data" / "template.yaml"


@pytest.fixture(scope="session")
def probe_stack():
    settings = {
        "LEAKED": "from the machine",
        "EMULATOR_STOCK": os.environ.get("EMULATOR_STOCK", ""),
        "EMULATOR_QUEUE_S": "3600",  # a burst queues, however slow the machine
        # Its issuer starts on the very request that waits for it; nothing waits before.
        "EMULATOR_ISSUER_TIMEOUT_S": "20",
    }
    outputs = {"api": "ApiId", "issuer": "IssuerApiId"}
    with Stack(TEMPLATE, api_outputs=outputs, settings=settings) as stack:
        stack.deploy({"AwsUrl": stack.aws_url, "Storefront": "https://shop.example"})
        yield stack


@pytest.fixture
def call(probe_stack):
    """Ask the probe function something through the API's open route."""
    url = probe_stack.proxies["api"].url

    def post(**asked):
        return requests.post(f"{url}/open", json=asked, timeout=30)

    return post


@pytest.fixture(scope="session")
def make_token(probe_stack):
    kms = probe_stack.client("kms")

    def make(issuer=probe_stack.outputs["Issuer"], **claims):
        claims = {"iss": issuer, "aud": "probe", "exp": int(time.time()) + 600} | claims
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = f"{encoded({'alg': 'RS256', 'kid': '1'})}.{encoded(claims)}"
        signature = kms.sign(
            KeyId=probe_stack.outputs["SigningKeyId"],
            Message=signed.encode(),
            SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
        )["Signature"]
        return f"{signed}.{encoded(signature)}"

    return make


@pytest.fixture
def read(probe_stack):
    """Read a thing, which takes the scope `things:read`."""
    url = probe_stack.proxies["api"].url

    def get(token):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{url}/things/1", headers=headers, timeout=30)

    return get


@pytest.fixture(scope="session")
def guarded_streams():
    """An emulator with IAM on, for tables with streams."""
    with streaming.stack() as stack:
        yield stack


@pytest.fixture
def streamed(guarded_streams):
    """The name of a new table, and its stream."""
    return streaming.create_table(guarded_streams)


@pytest.fixture
def write(guarded_streams, streamed):
    """Put items of one partition key into the table, one after the other."""
    table, _stream = streamed
    dynamodb = guarded_streams.client("dynamodb")

    def put(pk, *sort_keys, **attributes):
        for sk in sort_keys:
            dynamodb.put_item(TableName=table, Item=streaming.item(pk, sk, **attributes))

    return put


@pytest.fixture
def reader(guarded_streams, tmp_path):
    """A function that may read streams and send to queues."""
    reader = streaming.Reader(guarded_streams, tmp_path)
    role = streaming.create_role(guarded_streams, "sqs:SendMessage", managed=[streaming.READING])
    reader.create(role)
    return reader


@pytest.fixture
def deploy(guarded_streams):
    """Create a stack or update it; return its outputs."""
    client, name = guarded_streams.client("cloudformation"), f"stack-{uuid.uuid4()}"
    done = []

    def one(body):
        request = {"StackName": name, "TemplateBody": body, "Capabilities": streaming.CAPABILITIES}
        operation = "update" if done else "create"
        getattr(client, f"{operation}_stack")(**request)
        waiter = client.get_waiter(f"stack_{operation}_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
        done.append(operation)
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    return one
