"""A Lambda handler behind the HTTP API, and the one place where errors get a status."""

import functools
import math
from collections.abc import Callable
from typing import Any

from cardvault import errors
from cardvault.aws.failures import as_cardvault_error, report
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.http.request import Event
from cardvault.http.response import Response, respond

# The first that fits, so the special stand before the general.
STATUS: tuple[tuple[type[errors.CardvaultError], int], ...] = (
    (errors.InvalidRequest, 400),
    (errors.Refused, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Gone, 410),
    (errors.TooManyRequests, 429),
    (errors.Retryable, 503),
    (errors.CardvaultError, 500),
)
# The published API of gift cards answers these two in its own way: decision 40.
GIFT_CARDS = "/v2/giftcards/"
STATUS_OF_GIFT_CARDS: dict[type[errors.CardvaultError], tuple[int, str]] = {
    errors.InvalidRequest: (422, "VALIDATION_ERROR"),
    errors.IdempotencyKeyReused: (422, errors.IdempotencyKeyReused.code),
}


def status_and_code(error: type[errors.CardvaultError], route: str) -> tuple[int, str]:
    """How the API of that route ("GET /api/orders") answers errors of that class."""
    if GIFT_CARDS in route and error in STATUS_OF_GIFT_CARDS:
        return STATUS_OF_GIFT_CARDS[error]
    return next(status for family, status in STATUS if issubclass(error, family)), error.code


def endpoint(work: Callable[[Event], Response]) -> Callable[[Event, Any], Response]:
    """Turn `work(event)` into a Lambda handler behind API Gateway.

    A planned error becomes `{"error", "code", "requestId"}` under its status; any other is
    reported and answered 500 or 503 without a word of its cause. The 500 are counted: trying
    again does not mend them.
    """

    @functools.wraps(work)
    @logger.inject_lambda_context(log_event=False, clear_state=True)
    def handler(event: Event, _context: Any) -> Response:
        try:
            return work(event)
        except Exception as error:  # noqa: BLE001 - the last stop before the caller
            return _answer(error, event)

    return handler


def _answer(error: Exception, event: Event) -> Response:
    known = as_cardvault_error(error)
    status, code = status_and_code(type(known), event.get("routeKey", ""))
    if status >= 500:
        report(error)
    if status >= 500 and not isinstance(known, errors.Retryable):
        count("RequestFailures")
    message = str(known) if status < 500 else known.message
    request_id = event.get("requestContext", {}).get("requestId")
    body = {"error": message, "code": code, "requestId": request_id, **known.details}
    after = known.retry_after_s
    return respond(status, body, {"Retry-After": str(math.ceil(after))} if after else None)
