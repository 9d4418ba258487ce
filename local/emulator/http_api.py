"""API Gateway HTTP APIs: the OpenAPI body that AWS::Serverless::HttpApi becomes, and errors."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.services import apigateway, lambda_svc

from local.emulator.jwt_authorizer import expect_answers
from local.emulator.provisioning import (
    Properties,
    accepted,
    after_provisioning,
    off_the_event_loop,
    provision,
)

ANY_METHOD = "x-amazon-apigateway-any-method"
AUTHORIZER = "x-amazon-apigateway-authorizer"
CORS = "x-amazon-apigateway-cors"
INTEGRATION = "x-amazon-apigateway-integration"


def fill_gaps() -> None:
    """Import OpenAPI bodies, know deployments, answer a function's failure as API Gateway does."""
    after_provisioning("AWS::ApiGatewayV2::Api", import_body)
    off_the_event_loop("AWS::ApiGatewayV2::Api")  # its issuer may be served by the same loop
    provision("AWS::ApiGatewayV2::Deployment", create=deploy, delete=forget_deployment)
    _hide_function_errors()
    _list_cookies()


def import_body(api_id: str, properties: Properties, before: Properties) -> None:
    """Fill a gap: the Body that SAM writes is ignored, so the API has not a single route."""
    body = properties.get("Body")
    if not isinstance(body, Mapping) or body == before.get("Body"):
        return
    api = apigateway._apis[api_id]
    api["name"] = properties.get("Name") or body.get("info", {}).get("title", api["name"])
    if CORS in body:
        api["corsConfiguration"] = body[CORS]
    apigateway._routes[api_id] = {}
    apigateway._integrations[api_id] = {}
    apigateway._authorizers[api_id] = {}
    authorizers = _import_authorizers(api_id, body)
    integrations: dict[str, str] = {}
    for route_key, operation in _operations(body):
        integration = _integration(operation[INTEGRATION])
        identity = json.dumps(integration, sort_keys=True)
        if identity not in integrations:
            made = accepted(apigateway._create_integration(api_id, integration), "integration")
            integrations[identity] = made["integrationId"]
        route = {"routeKey": route_key, "target": f"integrations/{integrations[identity]}"}
        route |= _authorization(operation, authorizers)
        accepted(apigateway._create_route(api_id, route), f"route {route_key}")


def deploy(properties: Properties) -> str:
    """Fill a gap: a deployment is an unknown type. Here a stage shows the routes as they are."""
    api_id, asked = properties["ApiId"], {"description": properties.get("Description", "")}
    made = accepted(apigateway._create_deployment(api_id, asked), "deployment")
    return str(made["deploymentId"])


def forget_deployment(deployment_id: str, properties: Properties) -> None:
    """The other end of `deploy`."""
    apigateway._delete_deployment(properties["ApiId"], deployment_id)


def _import_authorizers(api_id: str, body: Mapping[str, Any]) -> dict[str, str]:
    """Create the JWT authorizers of a body and return their ids by name."""
    ids = {}
    for name, scheme in body.get("components", {}).get("securitySchemes", {}).items():
        authorizer = scheme.get(AUTHORIZER)
        if authorizer is None:
            continue
        if authorizer["type"] != "jwt":
            message = f"authorizer {name}: only JWT authorizers are imported from a Body"
            raise NotImplementedError(message)
        expect_answers(authorizer["jwtConfiguration"]["issuer"])
        source = authorizer.get("identitySource", "$request.header.Authorization")
        request = {
            "name": name,
            "authorizerType": "JWT",
            "identitySource": [source] if isinstance(source, str) else source,
            "jwtConfiguration": authorizer["jwtConfiguration"],
        }
        made = accepted(apigateway._create_authorizer(api_id, request), f"authorizer {name}")
        ids[name] = made["authorizerId"]
    return ids


def _operations(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the route key and the OpenAPI operation of everything that has an integration."""
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            if not isinstance(operation, Mapping) or INTEGRATION not in operation:
                continue
            verb = "ANY" if method == ANY_METHOD else method.upper()
            yield ("$default" if path == "/$default" else f"{verb} {path}"), operation


def _integration(described: Mapping[str, Any]) -> dict[str, Any]:
    integration = {
        "integrationType": described["type"].upper(),
        "integrationUri": described.get("uri", ""),
        "integrationMethod": described.get("httpMethod", "POST"),
        "payloadFormatVersion": described.get("payloadFormatVersion", "2.0"),
    }
    if "timeoutInMillis" in described:
        integration["timeoutInMillis"] = int(described["timeoutInMillis"])
    return integration


def _authorization(operation: Mapping[str, Any], authorizers: Mapping[str, str]) -> dict[str, Any]:
    """Say who may call an operation; an unknown scheme must fail, not open the route."""
    for requirement in operation.get("security", []):
        for name, scopes in requirement.items():
            if name in {"NONE", "AWS_IAM"}:  # SAM's own names, not authorizers of the body
                return {"authorizationType": name}
            return {
                "authorizationType": "JWT",
                "authorizerId": authorizers[name],
                "authorizationScopes": scopes,
            }
    return {"authorizationType": "NONE"}


def _hide_function_errors() -> None:
    """Answer 500 when a function fails: the emulator shows its stack trace to the caller.

    AWS answers `{"message": "Internal Server Error"}` and keeps the error in the logs.
    """
    convert = lambda_svc.lambda_execute_result_to_api_proxy_response

    def convert_quietly(result: dict[str, Any]) -> Any:
        if result.get("error") and not result.get("throttle"):
            body = json.dumps({"message": "Internal Server Error"})
            headers = {"Content-Type": "application/json"}
            return {"statusCode": 500, "headers": headers, "body": body}, None
        return convert(result)

    lambda_svc.lambda_execute_result_to_api_proxy_response = convert_quietly


def _list_cookies() -> None:
    """Give a function the request's cookies: payload 2.0 has them in a list of their own.

    The emulator leaves them in the Cookie header, where AWS leaves nothing.
    """
    execute = lambda_svc._execute_function_with_config_scope

    def execute_with_cookies(record: Any, event: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(event, dict) and event.get("version") == "2.0" and "headers" in event:
            cookies = event["headers"].pop("cookie", "")
            if cookies:
                event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
        return execute(record, event, *rest, **options)

    lambda_svc._execute_function_with_config_scope = execute_with_cookies
