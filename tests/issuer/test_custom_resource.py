"""CloudFormation is answered, whatever the request and whatever goes wrong."""

import logging

import pytest

from cardvault.aws import custom_resource as module
from cardvault.aws.logs import logger
from tests.support.apps import load_app
from tests.support.functions import EVENTS, LambdaContext

ECHOED = ("StackId", "RequestId", "LogicalResourceId")


@pytest.fixture
def call(server, monkeypatch):
    """Send the function a request, as CloudFormation does; returns what it is answered."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "cardvault-test")

    def calling(kind="create", context=None, **changed):
        event = {**EVENTS[f"await_issuer/{kind}"], "ResponseURL": f"{server.url}/?signed=SECRET"}
        event["ResourceProperties"] = {"Issuer": server.url}
        event |= changed
        load_app("await_issuer").handler(event, context or LambdaContext())
        ((content_type, answer),) = server.answers
        assert content_type == ""  # the address is signed for none
        assert {name: answer[name] for name in ECHOED} == {name: event[name] for name in ECHOED}
        return answer

    return calling


class NoTimeLeft(LambdaContext):
    def get_remaining_time_in_millis(self):
        return 1_000


def test_an_issuer_that_answers_is_a_success(call, server):
    assert call()["Status"] == "SUCCESS"
    assert len(server.asked) == 6


def test_a_deletion_succeeds_and_asks_nobody(call, server):
    assert call("delete")["Status"] == "SUCCESS"
    assert server.asked == []


def test_the_resource_stays_the_same_one(call, server):
    made = call()["PhysicalResourceId"]
    server.answers.clear()
    assert call(RequestType="Update", PhysicalResourceId=made)["PhysicalResourceId"] == made


def test_an_issuer_that_does_not_answer_fails_with_the_reason(call, server):
    server.faults.extend([503] * 20)
    answer = call(context=NoTimeLeft())
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"the issuer {server.url} is not ready: ")


def test_a_defect_of_ours_fails_too(call):
    answer = call(ResourceProperties={})
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "INTERNAL_ERROR: KeyError")


def test_an_answer_that_is_not_taken_is_sent_again(call, server):
    server.refusals = module.ANSWER_TRIES - 1
    assert call()["Status"] == "SUCCESS"


def test_the_signed_address_is_told_to_nobody(call, server, caplog, capsys):
    logger.addHandler(caplog.handler)
    server.refusals = module.ANSWER_TRIES
    try:
        with caplog.at_level(logging.DEBUG), pytest.raises(ConnectionError) as raised:
            call()
    finally:
        logger.removeHandler(caplog.handler)
    assert "SECRET" not in str(raised.value) + caplog.text + "".join(capsys.readouterr())
    assert raised.value.__suppress_context__


def test_the_time_for_the_answer_is_kept(monkeypatch, server):
    given = []
    monkeypatch.setattr(module, "_answer", lambda *_: None)
    handler = module.custom_resource(lambda _, seconds: given.append(seconds))
    handler(EVENTS["await_issuer/create"], LambdaContext())
    assert given == [180 - module.RESERVE_S]
    assert module.ANSWER_TRIES * module.ANSWER_TIMEOUT_S < module.RESERVE_S
