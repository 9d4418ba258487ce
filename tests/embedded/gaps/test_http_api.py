"""HTTP APIs: routes, CORS and errors."""

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
    url = probe_stack.doors["api"].url
    welcome, foreign = (
        requests.options(f"{url}/open", headers={"Origin": origin}, timeout=10)
        for origin in ("https://shop.example", "https://elsewhere.example")
    )
    assert welcome.status_code == foreign.status_code == 204
    assert welcome.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_function_is_given_cookies_in_a_list_of_their_own(probe_stack):
    url = f"{probe_stack.doors['api'].url}/open"
    answer = requests.post(url, json={}, headers={"Cookie": "a=1; b=2"}, timeout=30).json()
    assert answer["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in answer["headers"]


def test_a_failing_function_shows_the_caller_nothing(call):
    answer = call(**{"raise": "the database is at 10.0.0.1"})
    assert answer.status_code == 500
    assert answer.json() == {"message": "Internal Server Error"}
