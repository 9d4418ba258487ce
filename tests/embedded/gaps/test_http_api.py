"""HTTP APIs: routes, CORS and errors."""

import json
import time
import uuid

import pytest
import requests

pytestmark = pytest.mark.embedded


def test_its_body_becomes_routes(probe_stack):
    api = probe_stack.client("apigatewayv2")
    routes = api.get_routes(ApiId=probe_stack.outputs["ApiId"])["Items"]
    assert {route["RouteKey"] for route in routes} == {
        "GET /things/{id}",
        "POST /open",
        "POST /things",
    }


def test_a_route_reaches_the_alias_of_its_function(call):
    answer = call()
    assert answer.status_code == 200
    assert answer.headers["X-Probe"] == "yes"
    assert answer.json()["version"] == "1"


def test_its_body_says_who_may_share_it(probe_stack):
    url = probe_stack.proxies["api"].url
    welcome, foreign = (
        requests.options(f"{url}/open", headers={"Origin": origin}, timeout=10)
        for origin in ("https://shop.example", "https://elsewhere.example")
    )
    assert welcome.status_code == foreign.status_code == 204
    assert welcome.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_function_is_given_cookies_in_a_list_of_their_own(probe_stack):
    url = f"{probe_stack.proxies['api'].url}/open"
    answer = requests.post(url, json={}, headers={"Cookie": "a=1; b=2"}, timeout=30).json()
    assert answer["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in answer["headers"]


def test_a_failing_function_shows_the_caller_nothing(call):
    answer = call(**{"raise": "the database is at 10.0.0.1"})
    assert answer.status_code == 500
    assert answer.json() == {"message": "Internal Server Error"}


def outcome(stack, **resources):
    """How the deployment of a stack of these resources ends, and what it says of the failure."""
    client, name = stack.client("cloudformation"), f"stack-{uuid.uuid4().hex[:8]}"
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    while (made := client.describe_stacks(StackName=name)["Stacks"][0]) and made[
        "StackStatus"
    ].endswith("_IN_PROGRESS"):
        time.sleep(0.02)
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return made["StackStatus"], " ".join(e.get("ResourceStatusReason", "") for e in events)


def test_it_can_be_deployed_by_a_resource_of_its_own(probe_stack):
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "a", "ProtocolType": "HTTP"}}
    of_api = {"ApiId": {"Ref": "Api"}}
    stage = {"StageName": "$default", "DeploymentId": {"Ref": "Deployment"}, **of_api}
    status, _ = outcome(
        probe_stack,
        Api=api,
        Deployment={"Type": "AWS::ApiGatewayV2::Deployment", "Properties": of_api},
        Stage={"Type": "AWS::ApiGatewayV2::Stage", "Properties": stage},
    )
    assert status == "CREATE_COMPLETE"


def test_it_is_not_made_while_its_issuer_does_not_answer(probe_stack):
    issuer = f"{probe_stack.aws_url}/nobody"
    authorizer = {
        "type": "jwt",
        "identitySource": "$request.header.Authorization",
        "jwtConfiguration": {"issuer": issuer, "audience": ["probe"]},
    }
    scheme = {"type": "oauth2", "x-amazon-apigateway-authorizer": authorizer}
    body = {"openapi": "3.0.1", "paths": {}, "components": {"securitySchemes": {"t": scheme}}}
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body, "FailOnWarnings": True}}
    status, reason = outcome(probe_stack, Api=api)
    assert status == "ROLLBACK_COMPLETE"
    assert f"Invalid issuer: {issuer}" in reason
