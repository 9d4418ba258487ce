"""The families of errors, by which HTTP finds a status and the workflow a way on.

Also here: the errors that any part of the product may raise.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class CardvaultError(Exception):
    """The root. `code` is the stable machine code, the message is for people."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    message: ClassVar[str] = "Internal error"
    retry_after_s: float | None = None

    def __init__(self, message: str | None = None, **details: Any) -> None:
        """`details` are fields that the answer carries beside the message."""
        super().__init__(message or self.message)
        self.details: Mapping[str, Any] = details


class InvalidRequest(CardvaultError):
    """Something in the request is not as it must be; the message names it, not its value.

    Every parser raises this one, of bodies, parameters and headers. Which status and code it
    has is for the API to say: see `http/endpoint.py`.
    """

    code = "INVALID_REQUEST"
    message = "Invalid request"


class BodyTooLarge(CardvaultError):
    """The body has more bytes than its route takes; the message says how many it takes."""

    code = "BODY_TOO_LARGE"
    message = "The body is too large"


class UnsupportedMediaType(CardvaultError):
    """The body is of another type, or compressed; the message says which it must be."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    message = "The body is of a kind that is not read"


class Refused(CardvaultError):
    """The request can be understood, and a rule or the state of things does not allow it."""

    code = "REFUSED"
    message = "Not possible"


class Unauthenticated(CardvaultError):
    """The request does not identify a caller."""

    code = "UNAUTHENTICATED"
    message = "Unauthorized"


class Forbidden(CardvaultError):
    """The caller is known and lacks a scope; the message names it."""

    code = "FORBIDDEN"
    message = "Forbidden"


class NotFound(CardvaultError):
    """Absent, or somebody else's: the same answer for both (I6)."""

    code = "NOT_FOUND"
    message = "Not found"


class Conflict(CardvaultError):
    """The request contradicts what is already recorded."""

    code = "CONFLICT"
    message = "Conflict"


class Gone(CardvaultError):
    """It was here and was destroyed on purpose."""

    code = "GONE"
    message = "Gone"


class TooManyRequests(CardvaultError):
    """Too often from one caller, or too many wrong codes for one number."""

    code = "TOO_MANY_REQUESTS"
    message = "Too many requests"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class Retryable(CardvaultError):
    """The same step may work later; nothing was done."""

    code = "TRY_AGAIN"
    message = "Try again"
    retry_after_s: float = 1.0


class InternalError(CardvaultError):
    """A defect of ours, or a right, key or setting that is missing; trying again mends neither.

    The message is the exception's type or AWS's code: its text could hold anything.
    """


class AwsUnavailable(Retryable):
    """AWS failed, in a way that passes, after its own retries. The message is AWS's code alone."""

    code = "AWS_UNAVAILABLE"


class TooSoon(TooManyRequests):
    """The same was done moments ago."""

    code = "TOO_SOON"
    message = "Wait before asking again"

    def __init__(self, retry_after_s: int = 30) -> None:
        super().__init__(retry_after_s)


class IdempotencyKeyReused(Conflict):
    """The Idempotency-Key belongs to a request with another body.

    Two published APIs give it two statuses: see `http/endpoint.py`.
    """

    code = "IDEMPOTENCY_KEY_REUSED"
    message = "Idempotency-Key was already used with another body"


class TooManyWriters(Retryable):
    """Others changed the same record at each of our tries."""

    code = "TOO_MANY_WRITERS"


class OutOfTime(Retryable):
    """A round of an operator's function ended before one thing was finished."""

    code = "OUT_OF_TIME"
    message = "The round ended before anything was finished"


CALLERS_FAULT: tuple[type[CardvaultError], ...] = (
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidRequest,
    Refused,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    Gone,
    TooManyRequests,
)
"""What the caller did, or asked for: nothing of ours is at fault."""
