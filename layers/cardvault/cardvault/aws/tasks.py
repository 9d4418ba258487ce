"""Functions that are not behind HTTP, by who invokes them.

That decides which errors ring the alarm `TaskFailure`: the workflow tries again and knows other
paths, a person sees the answer, and after an event or a schedule nobody looks.
"""

import functools
from collections.abc import Callable, Collection
from typing import Any

from cardvault.aws import failures
from cardvault.aws.failures import as_cardvault_error, report
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.errors import (
    CALLERS_FAULT,
    AwsUnavailable,
    CardvaultError,
    InternalError,
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
# come from a person who started the execution by hand.
_SETTLED_BY_THE_WORKFLOW: Errors = (Retryable, PlacementUnknown, *CALLERS_FAULT)


def workflow_step(raises: Collection[type[CardvaultError]]) -> Callable[[Task], Handler]:
    """A step of the state machine: what that settles by itself is not counted.

    `raises` are its errors besides AwsUnavailable and InternalError, which any may meet: the
    state machine retries and catches them by name.
    """
    declared: set[type[CardvaultError]] = {AwsUnavailable, InternalError, *raises}

    def decorate(work: Task) -> Handler:
        return _handler(work, uncounted=_SETTLED_BY_THE_WORKFLOW, declared=declared)

    return decorate


def event_consumer(work: Task) -> Handler:
    """Invoked by EventBridge or a schedule: every error is counted, since nobody else sees it."""
    return _handler(work, uncounted=())


def operator_action(work: Task) -> Handler:
    """Invoked by a person under IAM: their own mistakes are not counted, all else is."""
    return _handler(work, uncounted=CALLERS_FAULT)


def _handler(
    work: Task, uncounted: Errors, declared: Collection[type[CardvaultError]] | None = None
) -> Handler:
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
            if declared is not None and type(known) not in declared:
                failures.log_undeclared(known)
            if not isinstance(known, uncounted):
                count("TaskFailures")
            raise known from None

    return handler
