"""HTTP: API Gateway's events in, answers out, and the one place where errors get a status.

Payload format 2.0.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import functools
import math
import re
from collections.abc import Callable
from typing import Any

from cardvault import errors
from cardvault.runtime import wire
from cardvault.runtime.failures import as_cardvault_error, report
from cardvault.runtime.ids import is_id
from cardvault.runtime.logs import logger
from cardvault.runtime.metrics import count

Event = dict[str, Any]
Response = dict[str, Any]

# The first that fits, so the special stand before the general.
STATUS: tuple[tuple[type[errors.CardvaultError], int], ...] = (
    (errors.Unprocessable, 422),
    (errors.InvalidRequest, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Gone, 410),
    (errors.TooManyRequests, 429),
    (errors.Retryable, 503),
    (errors.CardvaultError, 500),
)

GUARDED = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def respond(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps and no referrer tells of."""
    return {
        "statusCode": status,
        "headers": {**GUARDED, **(headers or {})},
        "body": wire.dumps(body),
    }


def attachment(text: str, name: str, media_type: str) -> Response:
    """A text to be saved under that name."""
    headers = {
        **GUARDED,
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return {"statusCode": 200, "headers": headers, "body": text}


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
    status = next(status for family, status in STATUS if isinstance(known, family))
    if status >= 500:
        report(error)
    if status >= 500 and not isinstance(known, errors.Retryable):
        count("RequestFailures")
    message = str(known) if status < 500 else known.message
    request_id = event.get("requestContext", {}).get("requestId")
    body = {"error": message, "code": known.code, "requestId": request_id, **known.details}
    after = known.retry_after_s
    return respond(status, body, {"Retry-After": str(math.ceil(after))} if after else None)


def order_id(event: Event) -> str:
    """The path's orderId. Raises OrderNotFound for what can be none, as for an unknown one."""
    found = str(event["pathParameters"]["orderId"])
    if not is_id(found):
        raise errors.OrderNotFound
    return found


def path_id(event: Event, name: str) -> str:
    """An id in the path. Raises Unprocessable, naming it, for what can be none."""
    found = str(event["pathParameters"][name])
    if not is_id(found):
        raise errors.Unprocessable(f"{name} must be 24 lower-case hex digits")
    return found


def boolean(event: Event, name: str, *, default: bool) -> bool:
    """A query parameter that is true or false. Raises Unprocessable, naming it."""
    raw = query(event, name)
    if raw is None:
        return default
    if raw not in {"true", "false"}:
        raise errors.Unprocessable(f"{name} must be true or false")
    return raw == "true"


def query(event: Event, name: str) -> str | None:
    """A query parameter, None if absent."""
    value = (event.get("queryStringParameters") or {}).get(name)
    return None if value is None else str(value)


def integer(event: Event, name: str, *, least: int, most: int, default: int) -> int:
    """A query parameter that is a whole number. Raises InvalidRequest, naming it."""
    raw = query(event, name)
    if raw is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", raw) or not least <= int(raw) <= most:
        raise errors.InvalidRequest(f"{name} must be a whole number from {least} to {most}")
    return int(raw)


def header(event: Event, name: str) -> str | None:
    """A request header by its lower-case name, None if absent."""
    value = (event.get("headers") or {}).get(name)
    return None if value is None else str(value)


def origin(event: Event) -> dict[str, Any]:
    """Where a request came from, as an audit event tells it."""
    http = event.get("requestContext", {}).get("http", {})
    return {"ip_address": http.get("sourceIp"), "user_agent": http.get("userAgent")}


def text_body(event: Event) -> str:
    """The body as text, empty if there is none. Raises InvalidRequest if it is not UTF-8."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return base64.b64decode(body).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise errors.InvalidRequest("body must be UTF-8 text") from None


def json_body(event: Event) -> dict[str, Any]:
    """The body as a JSON object. Raises InvalidRequest."""
    try:
        body = wire.loads(text_body(event))
        wire.dumps(body).encode()  # refuses half a character, which no store would take
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise errors.InvalidRequest("body must be a JSON object")
    return body
