"""I1: at DEBUG, the libraries that would print keys and items stay silent."""

import base64
import io
import json
import logging

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from cardvault.aws import logs
from cardvault.aws.tasks import workflow_step
from cardvault.errors import OrderPending
from tests.support.functions import LambdaContext

PLAINTEXT = base64.b64encode(b"CANARY-KEY").decode()
ANSWER = json.dumps({"Plaintext": PLAINTEXT, "CiphertextBlob": "AAAA", "KeyId": "k"}).encode()
TALKATIVE = ["botocore", "boto3", "pynamodb", "urllib3", "requests", "s3transfer"]
WITHIN = [
    "botocore.parsers",
    "botocore.endpoint",
    "pynamodb.connection.base",
    "urllib3.connectionpool",
]


class Raw(io.BytesIO):
    def stream(self):
        yield self.getvalue()


@pytest.fixture
def everything():
    """What any logger says, down to DEBUG."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def kms():
    """A KMS client that is answered a plaintext data key, without a network."""
    client = boto3.client(
        "kms", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )

    def answer(request, **_):
        headers = {"content-type": "application/x-amz-json-1.1"}
        return AWSResponse(request.url, 200, headers, Raw(ANSWER))

    client.meta.events.register("before-send.kms", answer)
    return client


def make_a_key(kms):
    answer = kms.generate_data_key(KeyId="k", KeySpec="AES_256")
    assert answer["Plaintext"] == b"CANARY-KEY"


@pytest.mark.parametrize("name", TALKATIVE + WITHIN)
def test_a_talkative_library_is_silent_at_debug(everything, name):
    logging.getLogger(name).debug("CANARY")
    logging.getLogger(name).info("CANARY")
    assert everything.getvalue() == ""
    logging.getLogger(name).warning("worth knowing")
    assert "worth knowing" in everything.getvalue()


def test_a_data_key_from_kms_is_in_no_log(everything, kms):
    make_a_key(kms)
    said = everything.getvalue()
    assert PLAINTEXT not in said
    assert "CANARY" not in said


def test_that_would_be_seen_if_botocore_were_let_talk(everything, kms):
    botocore = logging.getLogger("botocore")
    held_at = botocore.level
    botocore.setLevel(logging.DEBUG)
    try:
        make_a_key(kms)
    finally:
        botocore.setLevel(held_at)
    assert PLAINTEXT in everything.getvalue()


@pytest.fixture
def ours(monkeypatch):
    """What our own logger says at DEBUG."""
    stream, level = io.StringIO(), logs.logger.log_level
    monkeypatch.setattr(logs.logger.registered_handler, "stream", stream)
    logs.logger.setLevel(logging.DEBUG)
    yield stream
    logs.logger.setLevel(level)


def test_an_event_is_not_logged(ours):
    @workflow_step(raises=[OrderPending])
    def handler(event):
        return {}

    handler({"orderId": "0" * 24, "accessToken": "CANARY"}, LambdaContext())
    assert "CANARY" not in ours.getvalue()


def test_a_pending_order_is_told_as_no_fault(ours, capsys):
    @workflow_step(raises=[OrderPending])
    def handler(event):
        raise OrderPending

    with pytest.raises(OrderPending):
        handler({"orderId": "0" * 24}, LambdaContext())
    (line,) = map(json.loads, ours.getvalue().splitlines())
    assert (line["level"], line["message"], line["orderId"]) == ("INFO", "order pending", "0" * 24)
    assert "TaskFailures" not in capsys.readouterr().out
