"""Answers of the HTTP API, payload format 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from typing import Any

from cardvault.core import decimal_json

Response = dict[str, Any]

GUARDED = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def respond(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps, and whose address is sent to no other site."""
    return {
        "statusCode": status,
        "headers": {**GUARDED, **(headers or {})},
        "body": decimal_json.dumps(body),
    }


def attachment(text: str, name: str, media_type: str) -> Response:
    """A text to be saved under that name."""
    headers = {
        **GUARDED,
        "Content-Type": f"{media_type}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return {"statusCode": 200, "headers": headers, "body": text}
