"""Functions that are not behind HTTP: steps of a workflow, and what operators invoke."""

import functools
from collections.abc import Callable
from typing import Any

from cardvault.errors import InvalidRequest, NotFound, OrderPending, Retryable
from cardvault.runtime.failures import as_cardvault_error, report
from cardvault.runtime.logs import logger
from cardvault.runtime.metrics import count

Event = dict[str, Any]
Task = Callable[[Event], dict[str, Any]]


def task(work: Task) -> Callable[[Event, Any], dict[str, Any]]:
    """Turn `work(event)` into a Lambda handler.

    Every error leaves as one of ours, so that history holds its name and nothing of its cause.
    OrderPending is an answer, not a fault, and not logged as one. What the workflow will try
    again is not counted, nor is an operator's slip.
    """

    @functools.wraps(work)
    @logger.inject_lambda_context(log_event=False, clear_state=True)
    def handler(event: Event, _context: Any) -> dict[str, Any]:
        logger.append_keys(orderId=event.get("orderId"))
        try:
            return work(event)
        except OrderPending:
            logger.info("order pending")
            raise
        except Exception as error:  # noqa: BLE001 - the last stop before Lambda
            report(error)
            if not isinstance(error, InvalidRequest | NotFound | Retryable):
                count("TaskFailures")
            raise as_cardvault_error(error) from None

    return handler
