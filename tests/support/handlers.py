"""Lambda functions behind the HTTP API, called as API Gateway calls them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.support.apps import load_app
from tests.support.giftcards import TENANT, GiftShop

PROGRAM = "/v2/giftcards/programs/{programId}"
CARD = PROGRAM + "/cards/{cardId}"


def load(folder: str, shop: GiftShop, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name, value in shop.settings.environment.items():
        monkeypatch.setenv(name, value)
    handler: Callable[..., Any] = load_app(folder).handler
    return handler


def event(
    path: Mapping[str, str] | None,
    route: str = f"GET {CARD}",
    query: Mapping[str, str] | None = None,
    tenant: str = TENANT,
    sub: str = "c" * 24,
    body: Any = None,
    key: str | None = None,
) -> dict[str, Any]:
    return {
        "routeKey": route,
        "pathParameters": path,
        "queryStringParameters": query,
        "headers": {"idempotency-key": key} if key else {},
        "body": body and json.dumps(body),
        "requestContext": {
            "requestId": "r-1",
            "http": {"sourceIp": "192.0.2.7", "userAgent": "test"},
            "authorizer": {
                "jwt": {
                    "claims": {"tenant": tenant, "sub": sub, "client_id": "c" * 24, "scope": "x"}
                }
            },
        },
    }


class Context:
    function_name, memory_limit_in_mb, aws_request_id = "f", 512, "1"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:1:function:f"
