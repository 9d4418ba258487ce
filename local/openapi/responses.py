"""Answers of the document: the errors that a handler declares, under their statuses."""

from typing import Any

from cardvault.errors import (
    CardRefused,
    CardvaultError,
    DailyCeilingReached,
    OrderAboveCeiling,
    Unauthenticated,
    WrongCode,
)
from cardvault.http.endpoint import status_and_code

Part = dict[str, Any]
Codes = frozenset[str]
Errors = set[type[CardvaultError]]

GUARDED = {
    "Cache-Control": {"$ref": "#/components/headers/NoStore"},
    "Referrer-Policy": {"$ref": "#/components/headers/NoReferrer"},
    "X-Content-Type-Options": {"$ref": "#/components/headers/NoSniff"},
}
# Of every answer of ours, and not of API Gateway's own.
REQUEST_ID = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
# API Gateway's own answers, before or in place of ours.
_OF_THE_GATEWAY = {401, 403, 413, 429, 500, 503}
# The schema of an error's body, where it carries details.
_WITH_DETAILS = {
    "GiftCardError": {CardRefused.code, *(error.code for error in CardRefused.__subclasses__())},
    "CeilingError": {OrderAboveCeiling.code, DailyCeilingReached.code},
    "WrongCodeError": {WrongCode.code},
}


def codes_by_status(errors: Errors, route: str, *, token: bool) -> dict[int, Codes]:
    """The codes of each status that a route may answer; none where API Gateway alone does.

    `token`: whether the route asks for one.
    """
    found: dict[int, set[str]] = {
        status: set() for status in ((401, 403, 429) if token else (429,))
    }
    for error in errors if token else errors - {Unauthenticated}:
        status, code = status_and_code(error, route)
        found.setdefault(status, set()).add(code)
    return {status: frozenset(codes) for status, codes in sorted(found.items())}


def error_response(prose: Part, status: int, codes: Codes) -> Part:
    """The response for codes under a status, with the base's words, examples and headers."""
    content = {"schema": _schema(status, codes), "examples": prose["examples"]}
    headers = prose.get("headers", _headers(status) if codes else None)
    return {
        "description": prose["description"],
        **({"headers": {**headers, **REQUEST_ID}} if headers else {}),
        "content": {"application/json": content},
    }


def _schema(status: int, codes: Codes) -> Part:
    gateways = {"$ref": "#/components/schemas/GatewayMessage"}
    if not codes:
        return gateways
    fitting = (name for name, theirs in _WITH_DETAILS.items() if codes & theirs)
    body = next(fitting, "Error")
    ours = {
        "allOf": [{"$ref": f"#/components/schemas/{body}"}],
        "properties": {"code": {"enum": sorted(codes)}},
    }
    return {"anyOf": [gateways, ours]} if status in _OF_THE_GATEWAY else ours


def _headers(status: int) -> Part:
    again = {503: "RetryAfter", 429: "RetryLater"}.get(status)
    if again is None:
        return GUARDED
    return {"Retry-After": {"$ref": f"#/components/headers/{again}"}, **GUARDED}
