"""Unplanned errors, reported by type and place, never by their text.

The text of an exception may quote what was being worked on, a card code for one. A log line or
a workflow's history would keep it (I1).
"""

import traceback
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from cardvault.aws import service_errors
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.errors import AwsUnavailable, CannotOpen, CardvaultError, InternalError


def as_cardvault_error(error: Exception) -> CardvaultError:
    """The error as one of ours: itself, AwsUnavailable or InternalError.

    Trouble at AWS that passes is AwsUnavailable. What AWS refuses for good, for want of a right
    or a key for example, is InternalError: nothing mends it but a change by us.
    """
    if isinstance(error, CardvaultError):
        return error
    if isinstance(error, ClientError | BotoCoreError | PynamoDBException):
        family = AwsUnavailable if service_errors.is_transient(error) else InternalError
        return family(service_errors.code_of(error))
    return InternalError(type(error).__name__)


def report(error: Exception) -> None:
    """Log an error's type, code and stack, without its text. CannotOpen is counted too."""
    known = as_cardvault_error(error)
    frames = traceback.extract_tb(error.__traceback__)
    logger.error(
        "request failed",
        error=type(error).__name__,
        code=known.code,
        detail=str(known),
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
    if isinstance(known, CannotOpen):
        count("CannotOpen")


def ring(error: Exception) -> None:
    """Report an error that nobody else would see, and ring `TaskFailure`."""
    report(error)
    count("TaskFailures")


def log_undeclared(error: CardvaultError) -> None:
    """Log an error that its handler does not declare. The tests put a failure in its place."""
    logger.warning("undeclared error", error=type(error).__name__)


def refuse_anyway(record: Callable[[], None]) -> None:
    """Record a refused attempt. A failure to do so does not change the answer.

    An error would show that the thing exists, which an unknown id would not (I6). The failure is
    reported and counted, since the attempt is now missing in the trail (I7).
    """
    try:
        record()
    except Exception as error:  # noqa: BLE001 - a defect would show as much as a failing AWS
        report(error)
        count("RefusalNotRecorded")
