"""A Lambda handler behind the HTTP API, and the one place where errors get a status."""

import functools
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol, TypeVar, cast

from cardvault import errors
from cardvault.aws import failures
from cardvault.aws.failures import as_cardvault_error, report
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.http.request import Event, Parameter, expect_known
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
    (errors.BodyTooLarge, 413),
    (errors.UnsupportedMediaType, 415),
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


_T = TypeVar("_T")
Work = Callable[[Event], Response]
Errors = Collection[type[errors.CardvaultError]]
Parameters = Collection[Parameter]
# What may come of any request: of its token, of AWS, and of a defect of ours.
ALWAYS = {errors.Unauthenticated, errors.AwsUnavailable, errors.InternalError}


class Handler(Protocol):
    """A Lambda handler, its errors `raises(routeKey)`, its query parameters `query(routeKey)`."""

    raises: Callable[[str], set[type[errors.CardvaultError]]]
    query: Callable[[str], Parameters | None]

    def __call__(self, event: Event, context: Any, /) -> Response:
        """The answer of the HTTP API."""


def endpoint(
    raises: Errors | Mapping[str, Errors],
    query: Parameters | Mapping[str, Parameters] | None = (),
) -> Callable[[Work], Handler]:
    """Turn `work(event)` into a Lambda handler behind API Gateway.

    `raises` are the errors that may be answered besides ALWAYS, of a function with several
    routes by the last part of a route's path; `query` are the parameters it knows, in the same
    way. Others are refused by name; None lets all pass. docs/openapi.yaml is made from them.

    A planned error becomes `{"error", "code", "requestId"}` under its status; any other is
    reported and answered 500 or 503 without a word of its cause. The 500 are counted: trying
    again does not mend them.
    """

    def declared(route: str) -> set[type[errors.CardvaultError]]:
        found = ALWAYS | set(_of_route(raises, route))
        return found if query is None else found | {errors.InvalidRequest}

    def known(route: str) -> Parameters | None:
        return None if query is None else _of_route(query, route)

    def decorate(work: Work) -> Handler:
        @functools.wraps(work)
        @logger.inject_lambda_context(log_event=False, clear_state=True)
        def handler(event: Event, _context: Any) -> Response:
            route = event.get("routeKey", "")
            try:
                parameters = known(route)
                answer = work(event if parameters is None else expect_known(event, parameters))
            except Exception as error:  # noqa: BLE001 - the last stop before the caller
                answer = _answer(error, event, declared(route))
            return _named(answer, event)

        made = cast("Handler", handler)
        made.raises, made.query = declared, known
        return made

    return decorate


def _of_route(given: Collection[_T] | Mapping[str, Collection[_T]], route: str) -> Collection[_T]:
    return given[route.rpartition("/")[2]] if isinstance(given, Mapping) else given


def _answer(error: Exception, event: Event, declared: Errors) -> Response:
    known = as_cardvault_error(error)
    if type(known) not in declared:
        failures.log_undeclared(known)
    status, code = status_and_code(type(known), event.get("routeKey", ""))
    if status >= 500:
        report(error)
    if status >= 500 and not isinstance(known, errors.Retryable):
        count("RequestFailures")
    message = str(known) if status < 500 else known.message
    body = {"error": message, "code": code, "requestId": _request_id(event), **known.details}
    after = known.retry_after_s
    return respond(status, body, {"Retry-After": str(math.ceil(after))} if after else None)


def _named(answer: Response, event: Event) -> Response:
    """The answer under the request's id, by which the access log and our own log have it."""
    request_id = _request_id(event)
    named = {"X-Request-Id": request_id} if request_id else {}
    return {**answer, "headers": {**answer["headers"], **named}}


def _request_id(event: Event) -> str | None:
    found: str | None = event.get("requestContext", {}).get("requestId")
    return found
