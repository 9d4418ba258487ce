"""Lambda functions behind the HTTP API, called as API Gateway calls them."""

import importlib.util
import json

from tests.support.giftcards import TENANT
from tests.support.template import ROOT

PROGRAM = "/v2/giftcards/programs/{programId}"
CARD = PROGRAM + "/cards/{cardId}"


def load(folder, shop, monkeypatch):
    for name, value in shop.settings.environment.items():
        monkeypatch.setenv(name, value)
    (path,) = (ROOT / "functions").glob(f"*/{folder}/app.py")
    spec = importlib.util.spec_from_file_location(folder, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler


def event(path, route=f"GET {CARD}", query=None, tenant=TENANT, sub="c" * 24, body=None, key=None):
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
