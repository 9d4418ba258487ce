"""Functions that CloudFormation calls in the middle of a deployment.

CloudFormation waits for an answer at an address of its own, by default for an hour. So every
request is answered: what the work raises is a failure with its reason, and a deletion succeeds at
once, since nothing was made.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
"""

import functools
import json
from collections.abc import Callable
from typing import Any

import requests

from cardvault.aws.failures import as_cardvault_error, report
from cardvault.aws.logs import logger
from cardvault.errors import CardvaultError

Event = dict[str, Any]
Work = Callable[[dict[str, Any], float], None]

RESERVE_S = 30.0
"""Seconds of the function's time that are kept for the answer."""
ANSWER_TRIES = 3
ANSWER_TIMEOUT_S = 5.0
LONGEST_REASON = 1000


def custom_resource(work: Work) -> Callable[[Event, Any], None]:
    """Turn `work(properties, seconds it may take)` into a Lambda handler.

    Raises only if CloudFormation cannot be reached: the address is signed and never logged.
    """

    @functools.wraps(work)
    @logger.inject_lambda_context(log_event=False, clear_state=True)
    def handler(event: Event, context: Any) -> None:
        reason = None
        if event["RequestType"] != "Delete":
            reason = _fault(work, event, context)
        _answer(event, reason)

    return handler


def _fault(work: Work, event: Event, context: Any) -> str | None:
    """Do the work and say what went wrong, None if nothing did."""
    seconds = context.get_remaining_time_in_millis() / 1000 - RESERVE_S
    try:
        work(event["ResourceProperties"], seconds)
    except Exception as error:  # noqa: BLE001 - an unanswered deployment hangs for an hour
        report(error)
        known = as_cardvault_error(error)
        planned = isinstance(error, CardvaultError)
        return str(known) if planned else f"{known.code}: {known}"
    return None


def _answer(event: Event, reason: str | None) -> None:
    body = {
        "Status": "SUCCESS" if reason is None else "FAILED",
        "Reason": (reason or "done")[:LONGEST_REASON],
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    for tries_left in reversed(range(ANSWER_TRIES)):
        try:
            # The address is signed for a body without a content type.
            with requests.put(
                event["ResponseURL"],
                data=json.dumps(body),
                headers={"Content-Type": ""},
                timeout=ANSWER_TIMEOUT_S,
                stream=True,  # what it says is not read
            ) as answer:
                answer.raise_for_status()
        except requests.RequestException as error:
            if not tries_left:
                name = type(error).__name__  # its text holds the address
                raise ConnectionError(f"CloudFormation took no answer: {name}") from None
        else:
            return
