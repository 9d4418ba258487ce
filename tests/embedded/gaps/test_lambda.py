"""Lambda: the environment, the logs and the workers of a function."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from local.emulator import lambda_pool
from tests.support.pauses import sometimes_below

pytestmark = pytest.mark.embedded


def test_a_function_has_its_layers_and_not_the_machine(call):
    answer = call().json()
    assert answer["layer"] == "from the layer"
    assert "LEAKED" not in answer["environment"]
    assert not any("ministack" in path for path in answer["path"] if "packages" in path)


def test_a_published_version_is_started_as_snapstart_does(call):
    assert call().json()["initialization"] == "snap-start"


def test_what_it_prints_can_be_found_at_once(call, probe_stack):
    marker = f"marker-{uuid.uuid4()}"
    call(say=marker)
    assert any(marker in line for line in probe_stack.logs())


def test_a_burst_queues_for_a_few_workers(call):
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: call(sleep=0.02), range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.json()["pid"] for answer in answers}) <= 4


def test_a_worker_more_is_started_for_a_request_that_queued_long_enough(monkeypatch):
    def acquire(*_, max_concurrency=None, **__):
        return (None, "busy") if max_concurrency else ("one more", "cold")

    monkeypatch.setattr(lambda_pool, "QUEUE_S", 0)
    monkeypatch.setattr(lambda_pool.lambda_runtime, "acquire_worker", acquire)
    assert lambda_pool.acquire_worker("name", {}, b"") == ("one more", "cold")


def test_workers_that_were_idle_for_long_are_taken_out_of_their_pools(monkeypatch):
    old, new = (SimpleNamespace(in_use=False, last_used=at) for at in (10.0, 30.0))
    busy = SimpleNamespace(in_use=True, last_used=10.0)
    pools = {"one": [old, new], "other": [busy]}
    monkeypatch.setattr(lambda_pool.lambda_runtime, "_workers", pools)
    assert lambda_pool.take_idle(20.0) == [old]
    assert pools == {"one": [new], "other": [busy]}


def test_a_silent_function_is_not_waited_for(call):
    """The stock emulator waits 50 ms for a log line, so that no call is ever quicker."""
    assert sometimes_below(0.05, call)
