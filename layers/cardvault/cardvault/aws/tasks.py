"""Functions that are not behind HTTP, by who invokes them.

That decides which errors ring the alarm `TaskFailure`: the workflow tries again and knows other
paths, a person sees the answer, and after an event or a schedule nobody looks.
"""

import functools
from collections.abc import Callable
from typing import Any

from cardvault.aws.failures import as_cardvault_error, report
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.errors import (
    CALLERS_FAULT,
    CardvaultError,
    OrderPending,
    PlacementUnknown,
    Retryable,
)

Event = dict[str, Any]
Task = Callable[[Event], dict[str, Any]]
Handler = Callable[[Event, Any], dict[str, Any]]
Errors = tuple[type[CardvaultError], ...]

# The state machine has a Retry or a Catch of its own for each of these. When that does not help,
# the order needs attention, which is an alarm of its own. An order that is not there can only
# come from whoever started the execution by hand.
_SETTLED_BY_THE_WORKFLOW: Errors = (Retryable, PlacementUnknown, *CALLERS_FAULT)


def workflow_step(work: Task) -> Handler:
    """A step of the state machine: what that settles by itself is not counted."""
    return _handler(work, uncounted=_SETTLED_BY_THE_WORKFLOW)


def event_consumer(work: Task) -> Handler:
    """Invoked by EventBridge or a schedule: every error is counted, for nobody else sees it."""
    return _handler(work, uncounted=())


def operator_action(work: Task) -> Handler:
    """Invoked by a person under IAM: their own slips are not counted, everything else is."""
    return _handler(work, uncounted=CALLERS_FAULT)


def _handler(work: Task, uncounted: Errors) -> Handler:
    """Turn `work(event)` into a Lambda handler.

    Every error leaves as one of ours, so that history holds its name and nothing of its cause.
    OrderPending is an answer, not a fault, and not logged as one.
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
            known = as_cardvault_error(error)
            if not isinstance(known, uncounted):
                count("TaskFailures")
            raise known from None

    return handler
