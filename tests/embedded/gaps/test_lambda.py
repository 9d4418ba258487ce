"""Lambda: the environment, the logs and the workers of a function."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

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


def test_more_workers_start_when_waiting_takes_long(call):
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: call(sleep=3), range(6)))
    assert len({answer.json()["pid"] for answer in answers}) == 6


def test_a_silent_function_answers_quickly(call):
    call()
    began = time.monotonic()
    assert all(call().ok for _ in range(10))
    assert (time.monotonic() - began) / 10 < 0.05
