"""Errors nobody planned for: reported by type and place, never by their text.

The text of an exception may quote what was being worked on, a card code for one. A log line or
a workflow's history would keep it (I1).
"""

import traceback
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from cardvault.errors import AwsUnavailable, CardvaultError, InternalError
from cardvault.runtime.logs import logger
from cardvault.runtime.metrics import count


def as_cardvault_error(error: Exception) -> CardvaultError:
    """The error as one of ours: itself, AwsUnavailable or InternalError."""
    if isinstance(error, CardvaultError):
        return error
    if isinstance(error, ClientError | BotoCoreError | PynamoDBException):
        return AwsUnavailable(aws_code(error))
    return InternalError(type(error).__name__)


def aws_code(error: ClientError | BotoCoreError | PynamoDBException) -> str:
    """AWS's own code for what went wrong, or the exception's type where there is none."""
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    code = error.cause_response_code if isinstance(error, PynamoDBException) else None
    return code or type(error).__name__


def report(error: Exception) -> None:
    """Log an error's type, code and stack, without its text."""
    known = as_cardvault_error(error)
    frames = traceback.extract_tb(error.__traceback__)
    logger.error(
        "request failed",
        error=type(error).__name__,
        code=known.code,
        detail=str(known),
        stack=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )


def refuse_anyway(record: Callable[[], None]) -> None:
    """Write down a refused attempt; whatever goes wrong there changes nothing of the answer.

    An error would tell what an unknown id can not: that the thing is there (I6). The failure is
    reported and counted, since the attempt is missing in the trail now (I7).
    """
    try:
        record()
    except Exception as error:  # noqa: BLE001 - a defect would tell as much as a failing AWS
        report(error)
        count("RefusalNotRecorded")
