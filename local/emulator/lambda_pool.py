"""Lambda's execution environments: a short queue in front of them, and an end when all is quiet."""

import os
import threading
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

WORKERS_PER_FUNCTION = int(os.environ.get("EMULATOR_WORKERS_PER_FUNCTION", "4"))
QUEUE_S = float(os.environ.get("EMULATOR_QUEUE_S", "2"))
# Each takes 50 MB: a stack that nobody uses must not hold what a burst needed.
IDLE_S = float(os.environ.get("EMULATOR_IDLE_S", "30"))
LOOK_EVERY_S = 5.0

_released = threading.Condition()


def fill_gaps() -> None:
    """Queue for a busy function, tell the queue when a worker is free, and end idle ones."""
    lambda_svc.acquire_worker = acquire_worker
    lambda_svc.release_worker = release_worker
    threading.Thread(target=_end_idle_workers, name="idle-workers", daemon=True).start()


def kill_workers() -> None:
    """End every worker at once: the emulator takes a tenth of a second for each, one by one."""
    for workers in lambda_runtime._workers.values():
        for worker in workers:
            if worker._proc is not None:
                worker._proc.kill()


def acquire_worker(
    name: str,
    config: dict[str, Any],
    code_zip: bytes,
    qualifier: str = "$LATEST",
    max_concurrency: int | None = None,  # noqa: ARG001 - the emulator's signature
) -> Any:
    """Wait a little for a worker before starting one more than a small machine can bear.

    The emulator starts a process for each invocation that finds no free one: a burst of fifty
    requests starts fifty interpreters at once, and on two cores each of them then takes longer
    than the handler's own timeout. AWS has the machines for that; here a queue is the honest
    substitute. It is not a limit: who waited long enough gets a new worker, so functions
    that call each other cannot lock each other out.
    """
    give_up_at = time.monotonic() + QUEUE_S
    while time.monotonic() < give_up_at:
        worker, how = lambda_runtime.acquire_worker(
            name, config, code_zip, qualifier=qualifier, max_concurrency=WORKERS_PER_FUNCTION
        )
        if worker is not None:
            return worker, how
        with _released:
            _released.wait(timeout=0.05)
    return lambda_runtime.acquire_worker(name, config, code_zip, qualifier=qualifier)


def release_worker(worker: Any) -> None:
    """Return a worker and wake those who wait for one."""
    if worker is not None:
        worker.last_used = time.time()
    lambda_runtime.release_worker(worker)
    with _released:
        _released.notify_all()


def _end_idle_workers() -> None:
    while True:
        time.sleep(LOOK_EVERY_S)
        lambda_runtime.kill_workers(take_idle(time.time() - IDLE_S))


def take_idle(unused_since: float) -> list[Any]:
    """Take the workers that were not used since then out of their pools.

    The emulator keeps one for each function for ever: forty of them are 2 GB.
    """
    idle = []
    with lambda_runtime._lock:
        for workers in lambda_runtime._workers.values():
            over = [one for one in workers if not one.in_use and one.last_used < unused_since]
            workers[:] = [one for one in workers if one not in over]
            idle += over
    return idle
