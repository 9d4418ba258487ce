"""Waiting for an issuer: until it is as API Gateway needs it, no longer than there is time."""

import itertools
import json

import pytest

from cardvault.errors import IssuerNotReady
from cardvault.identity.discovery import CONFIGURATION_PATH, KEYS_PATH
from cardvault.identity.readiness import GOOD_ANSWERS, AwaitIssuer
from local.emulator.jwt_authorizer import FETCH_TIMEOUT_S, expect_answers

BOTH = [CONFIGURATION_PATH, KEYS_PATH]


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def wait(pauses):
    return AwaitIssuer(sleep=pauses.append)


def test_a_good_issuer_is_asked_three_times_for_both_documents(wait, server, pauses):
    wait(server.url, 60)
    assert server.asked == BOTH * GOOD_ANSWERS
    assert pauses == []


def test_an_issuer_too_slow_for_an_authorizer_is_waited_for(wait, server):
    # As with a snapshot that was never restored: the first answers take 2 s.
    assert FETCH_TIMEOUT_S == 1.5
    server.faults.append("slow")
    with pytest.raises(ValueError, match=f"Invalid issuer: {server.url}"):
        expect_answers(server.url)
    server.faults.extend(["slow", None, "slow"])
    wait(server.url, 60)
    expect_answers(server.url)


def test_one_bad_answer_among_good_ones_starts_the_count_anew(wait, server, pauses):
    server.faults.extend([None, None, None, None, None, 503])
    wait(server.url, 60)
    assert server.asked == BOTH * (GOOD_ANSWERS + 3)
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (["slow"], "ReadTimeout"),
        (["dripping"], "took longer than 1 s"),
        ([503], "answered 503"),
        ([302], "answered 302"),
        ([b"<html>"], "answered no JSON object"),
        ([b"[]"], "answered no JSON object"),
        ([b"\xff"], "answered no JSON object"),
        ([b" " * 60_000], "answered more than 50000 bytes"),
        ([b'{"issuer": "https://elsewhere.test"}'], "names another issuer"),
        ([None, 500], "jwks.json answered 500"),
        ([None, b"{}"], "has no RSA key"),
        ([None, b'{"keys": [{"kty": "EC"}, 7]}'], "has no RSA key"),
        ([None, b'{"keys": 7}'], "has no RSA key"),
    ],
)
def test_when_time_is_up_the_last_fault_is_told(wait, server, faults, said):
    server.faults.extend(faults)
    with pytest.raises(IssuerNotReady) as told:
        wait(server.url, 0)
    assert said in str(told.value)
    assert server.url in str(told.value)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "nonsense", "file:///etc/passwd", "None"]
)
def test_key_addresses_that_lead_nowhere_are_a_fault(wait, server, address):
    body = {"issuer": server.url, "jwks_uri": address}
    server.faults.append(json.dumps(body).encode())
    with pytest.raises(IssuerNotReady, match=f"GET {address}"):
        wait(server.url, 0)


def test_an_issuer_that_is_nowhere_is_not_waited_for_longer_than_there_is_time(pauses):
    clock = itertools.count(step=10)
    wait = AwaitIssuer(monotonic=lambda: next(clock), sleep=pauses.append)
    with pytest.raises(IssuerNotReady, match="ConnectionError"):
        wait("http://127.0.0.1:1", 60)
    assert 0 < len(pauses) < 6
