"""A function that does what a test asks of it."""

import json
import os
import sys
import time

import probe_layer


class SupplierUnavailable(Exception):
    pass


def handler(event, context):
    asked = json.loads(event["body"]) if event.get("body") else event
    request = event.get("requestContext", {})
    if "say" in asked:
        print(asked["say"])  # noqa: T201
    time.sleep(asked.get("sleep", 0))
    if "raise" in asked:
        raise SupplierUnavailable(asked["raise"])
    answer = {
        "pid": os.getpid(),
        "layer": probe_layer.GREETING,
        "environment": sorted(os.environ),
        "initialization": os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"],
        "version": context.function_version,
        "path": sys.path,
        "cookies": event.get("cookies"),
        "headers": sorted(event.get("headers", {})),
        "claims": request.get("authorizer", {}).get("jwt", {}).get("claims"),
    }
    if not request:
        return answer
    return {"statusCode": 200, "headers": {"X-Probe": "yes"}, "body": json.dumps(answer)}
