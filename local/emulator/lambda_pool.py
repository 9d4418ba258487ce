"""Lambda's execution environments: a short queue in front of them."""

import os
import threading
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

WORKERS_PER_FUNCTION = int(os.environ.get("EMULATOR_WORKERS_PER_FUNCTION", "4"))
QUEUE_S = float(os.environ.get("EMULATOR_QUEUE_S", "2"))

_released = threading.Condition()


def fill_gaps() -> None:
    """Queue for a busy function, and tell the queue when a worker is free."""
    lambda_svc.acquire_worker = acquire_worker
    lambda_svc.release_worker = release_worker


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
    lambda_runtime.release_worker(worker)
    with _released:
        _released.notify_all()
