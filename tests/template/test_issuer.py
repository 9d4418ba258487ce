"""The issuer: what is deployed of it, what waits for it, and what an issuer of yours replaces."""

import hashlib
import json

import pytest

from tests.support.expanded import deployed, expanded, of_type, source
from tests.support.template import template

FOREIGN = "https://login.example.com"


def of_the_issuer(parsed, *kinds):
    return {
        name: resource
        for name, resource in parsed["Resources"].items()
        if resource["Type"] in {f"AWS::ApiGatewayV2::{kind}" for kind in kinds}
        and resource["Properties"].get("ApiId") == {"Ref": "IssuerApi"}
    }


def name_of_deployment(parsed):
    """Named after the routes: with other routes it is another resource, and so a new copy."""
    routes = of_the_issuer(parsed, "Route", "Integration")
    content = {name: resource["Properties"] for name, resource in routes.items()}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"IssuerDeployment{digest[:8]}"


def test_a_change_of_its_routes_is_deployed():
    (name,) = of_the_issuer(template(), "Deployment")
    assert name == name_of_deployment(template()), "rename the deployment in template.yaml"


@pytest.mark.parametrize("changed", ["DiscoveryRoute", "PublishKeysIntegration", "new"])
def test_other_routes_give_the_deployment_another_name(changed):
    parsed = source()
    properties = {"ApiId": {"Ref": "IssuerApi"}, "RouteKey": "GET /new"}
    new = {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties}
    parsed["Resources"].setdefault("new", new)
    if changed != "new":
        del parsed["Resources"]["new"]
        parsed["Resources"][changed]["Properties"]["Other"] = "value"
    assert name_of_deployment(parsed) != name_of_deployment(template())


def test_it_is_deployed_when_all_its_routes_are_made():
    ((name, deployment),) = of_the_issuer(template(), "Deployment").items()
    assert set(deployment["DependsOn"]) == set(of_the_issuer(template(), "Route"))
    (stage,) = of_the_issuer(template(), "Stage").values()
    assert stage["Properties"]["AutoDeploy"] is False
    assert stage["Properties"]["DeploymentId"] == {"Ref": name}


def test_the_api_is_made_once_the_issuer_answers():
    resources = expanded()["Resources"]
    assert resources["HttpApi"]["DependsOn"] == "IssuerAnswers"
    answers = resources["IssuerAnswers"]["Properties"]
    schemes = resources["HttpApi"]["Properties"]["Body"]["components"]["securitySchemes"]
    authorizer = schemes["AccessToken"]["x-amazon-apigateway-authorizer"]
    assert answers["Issuer"] == authorizer["jwtConfiguration"]["issuer"]
    # What must be there before it can answer, and what makes it answer anew.
    after = {item["Ref"] for item in answers["After"]["Fn::If"][1]}
    (version,) = (
        name
        for name in of_type("AWS::Lambda::Version")
        if name.startswith("PublishKeysFunctionVersion")
    )
    (deployment,) = of_the_issuer(template(), "Deployment")
    assert after == {"IssuerStage", deployment, "PublishKeysPermission", version}


def test_cloudformation_gives_up_soon_should_the_function_not_answer():
    timeout = template()["Resources"]["AwaitIssuerFunction"]["Properties"]["Timeout"]
    waited = template()["Resources"]["IssuerAnswers"]["Properties"]["ServiceTimeout"]
    assert timeout < waited <= 300


def test_who_waits_for_the_issuer_may_do_nothing():
    assert "Policies" not in template()["Resources"]["AwaitIssuerFunction"]["Properties"]


def issuer_of(resources):
    schemes = resources["HttpApi"]["Properties"]["Body"]["components"]["securitySchemes"]
    return schemes["AccessToken"]["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["issuer"]


@pytest.mark.parametrize(
    ("parameters", "issuer"),
    [
        ({}, "https://cardvault-dev-IssuerApi.execute-api.eu-west-1.amazonaws.com"),
        ({"IssuerUrl": "https://issuer.example.com"}, "https://issuer.example.com"),
    ],
)
def test_its_tokens_name_the_issuer_that_the_api_trusts(parameters, issuer):
    resources = deployed(**parameters)
    assert issuer_of(resources) == resources["IssuerAnswers"]["Properties"]["Issuer"] == issuer
    for name in ("IssueTokenFunction", "PublishKeysFunction"):
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert variables["TOKEN_ISSUER"] == issuer


def test_with_an_issuer_of_yours_this_stack_issues_nothing():
    resources = deployed(TokenIssuer=FOREIGN)
    assert issuer_of(resources) == resources["IssuerAnswers"]["Properties"]["Issuer"] == FOREIGN
    assert "/v2/token" not in resources["HttpApi"]["Properties"]["Body"]["paths"]
    gone = deployed().keys() - resources.keys()
    assert {name for name in gone if name.endswith("Function")} == {
        "IssueTokenFunction",
        "PublishKeysFunction",
    }
    kinds = {resource["Type"] for resource in resources.values()}
    assert not kinds & {"AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Deployment"}
    assert "SigningKey" in resources  # a key in use before is not thrown away by a parameter


def test_the_two_ways_to_name_an_issuer_exclude_each_other():
    (rule,) = template()["Rules"].values()
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "TokenIssuer"}, ""]}]}
    assert [item["Assert"] for item in rule["Assertions"]] == [
        {"Fn::Equals": [{"Ref": "IssuerUrl"}, ""]}
    ]
