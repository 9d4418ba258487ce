"""docs/openapi.yaml tells of the API that template.yaml deploys and the code answers for."""

import ast
import itertools
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from cardvault import errors
from cardvault.errors import CardvaultError, InvalidRequest
from cardvault.identity import clients, tokens
from cardvault.identity.clients import ApiClient
from cardvault.orders import create
from cardvault.orders.create import NewOrder
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.views import _SHOWN
from cardvault.runtime import ids
from cardvault.runtime.http import STATUS
from tests.support.openapi import (
    accepts,
    answers,
    bodies,
    operations,
    resolved,
    spec,
    validator,
)
from tests.support.raised import PACKAGE, raised
from tests.support.template import ROOT, resources, template

SCHEMAS = spec()["components"]["schemas"]
OPERATIONS = {operation["operationId"]: operation for operation in operations().values()}

# Raised on the way, but never to come out.
CANNOT_HAPPEN = {
    ("createOrder", "ORDER_NOT_FOUND"): "an Idempotency-Key's mark is written with its order",
    ("issueToken", "CLIENT_NOT_FOUND"): "an unknown client is told what a wrong secret is told",
    ("getKeys", "NOT_FOUND"): "both routes to the function have a document",
    ("getIssuerConfiguration", "NOT_FOUND"): "both routes to the function have a document",
}
ALWAYS = {"INTERNAL_ERROR", "AWS_UNAVAILABLE"}


def routes():
    """(method, path) -> the function, the scopes and the APIs of every route that is deployed."""
    found = {}
    for name, function in resources("AWS::Serverless::Function").items():
        for event in function["Properties"].get("Events", {}).values():
            route = event["Properties"]
            scopes = set(route["Auth"].get("AuthorizationScopes", []))
            found[route["Method"], route["Path"]] = (name, scopes, {"{api}"})
    for route in resources("AWS::ApiGatewayV2::Route").values():
        method, path = route["Properties"]["RouteKey"].split()
        target = route["Properties"]["Target"]["Fn::Sub"]
        integration = template()["Resources"][re.search(r"\{(\w+)\}", target)[1]]["Properties"]
        name = integration["IntegrationUri"]["Ref"].removesuffix(".Alias")
        _, scopes, served = found.get((method, path), (name, set(), set()))
        found[method, path] = (name, scopes, served | {"{issuer}"})
    return found


def app_of(operation_id):
    (name,) = [
        routes()[route][0]
        for route, operation in operations().items()
        if operation["operationId"] == operation_id
    ]
    return ROOT / resources("AWS::Serverless::Function")[name]["Properties"]["CodeUri"] / "app.py"


def scopes_of(operation):
    return {scope for way in operation["security"] for scope in way.get("accessToken", [])}


def enums(schema, name):
    """Every value the schema allows for a property, wherever it says so."""
    if isinstance(schema, list):
        return set().union(*(enums(part, name) for part in schema))
    if not isinstance(schema, dict):
        return set()
    here = set(schema.get("properties", {}).get(name, {}).get("enum", []))
    return here.union(*(enums(part, name) for part in schema.values()))


def codes_by_status(operation):
    return {
        status: set().union(*(enums(schema, "code") for schema, _ in bodies(answer["content"])))
        for status, answer in answers(operation).items()
    }


def error_classes(root=CardvaultError):
    yield root
    for error in root.__subclasses__():
        yield from error_classes(error)


def test_the_document_is_valid_openapi():
    validate(spec())


def test_its_version_is_the_projects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert spec()["info"]["version"] == project["version"]


def test_it_has_the_routes_that_are_deployed_each_with_its_scopes_and_its_api():
    told = {
        route: (scopes_of(operation), {server["url"] for server in operation["servers"]})
        for route, operation in operations().items()
    }
    assert told == {route: (scopes, served) for route, (_, scopes, served) in routes().items()}


def test_it_explains_every_scope_a_client_can_have():
    flow = spec()["components"]["securitySchemes"]["accessToken"]["flows"]["clientCredentials"]
    assert set(flow["scopes"]) == set(clients.SCOPES)
    assert ("POST", flow["tokenUrl"]) in operations()


def test_every_component_is_used():
    text = (ROOT / "docs/openapi.yaml").read_text()
    for kind, components in spec()["components"].items():
        for name in components if kind != "securitySchemes" else ():
            assert f'"#/components/{kind}/{name}"' in text, name


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_whole_numbers_in_the_query_have_the_limits_of_the_code(operation_id):
    read = {
        call.args[1].value: {rule.arg: rule.value.value for rule in call.keywords}
        for call in ast.walk(ast.parse(app_of(operation_id).read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "http.integer"
    }
    told = {
        parameter["name"]: {
            "least": parameter["schema"]["minimum"],
            "most": parameter["schema"]["maximum"],
            "default": parameter["schema"]["default"],
        }
        for parameter in OPERATIONS[operation_id]["parameters"]
        if parameter["schema"].get("type") == "integer"
    }
    assert told == read


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_error_a_function_can_raise_is_told_and_no_other(operation_id):
    codes = {error.__name__: error.code for error in error_classes()}
    found = {codes[name] for name in raised(app_of(operation_id)) if name in codes}
    impossible = {code for where, code in CANNOT_HAPPEN if where == operation_id}
    assert impossible <= found, "an exception that is none any more"
    told = set().union(*codes_by_status(OPERATIONS[operation_id]).values())
    assert told == (found - impossible) | ALWAYS


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_code_stands_under_the_status_it_is_answered_with(operation_id):
    by_code = {
        error.code: error for error in error_classes() if error.__module__ == errors.__name__
    }
    for status, codes in codes_by_status(OPERATIONS[operation_id]).items():
        for code in codes:
            mapped = next(to for family, to in STATUS if issubclass(by_code[code], family))
            assert mapped == status, code


def test_every_reason_for_refusing_a_token_is_told():
    refusals = [
        (call.args[0].value, 401 if call.args[0].value == "invalid_client" else 400)
        for call in ast.walk(ast.parse((PACKAGE / "cardvault/identity/tokens.py").read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "TokenRefused"
    ]
    told = {
        (error, status)
        for status, answer in answers(OPERATIONS["issueToken"]).items()
        for schema, _ in bodies(answer["content"])
        for error in enums(schema, "error")
    }
    assert told == set(refusals)


def test_every_event_of_the_trail_is_told():
    written = {
        node.value
        for path in (PACKAGE / "cardvault/orders").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and re.fullmatch(r"[A-Z]+(_[A-Z]+)+", str(node.value))
    }
    assert set(SCHEMAS["AuditEvent"]["properties"]["event"]["enum"]) == written


def test_an_order_is_told_with_the_fields_and_the_statuses_it_has():
    shown = {getattr(OrderRecord, name).attr_name for name in _SHOWN}
    assert set(SCHEMAS["Order"]["properties"]) == {"orderId", *shown}
    assert SCHEMAS["Status"]["enum"] == list(Status)


def examples():
    for operation_id, operation in OPERATIONS.items():
        named = [(item["name"], item) for item in operation["parameters"]]
        for answer in answers(operation).values():
            named += answer.get("headers", {}).items()
        for name, item in named:
            if "example" in resolved(item):
                yield f"{operation_id} {name}", resolved(item)["schema"], resolved(item)["example"]
        contents = [answer["content"] for answer in answers(operation).values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for schema, values in itertools.chain(*map(bodies, contents)):
            yield from ((operation_id, schema, value) for value in values or [None])


@pytest.mark.parametrize(("where", "schema", "example"), list(examples()))
def test_every_example_fits_its_schema(where, schema, example):
    validator(schema, closed=True).validate(example)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_every_answer_of_ours_tells_of_the_headers_that_guard_it(operation_id):
    for status, answer in answers(OPERATIONS[operation_id]).items():
        gateways = {"Unauthorized", "MissingScope", "TooManyRequests"}
        shared = OPERATIONS[operation_id]["responses"][str(status)].get("$ref", "").split("/")[-1]
        if shared not in gateways:
            told = {"Cache-Control", "Referrer-Policy", "X-Content-Type-Options"}
            assert told <= set(answer["headers"]), status
        assert ("Retry-After" in answer.get("headers", {})) == (status == 503)


# --- request bodies: the document and the code accept the same ---

supplier_ids = st.sampled_from(
    ["P1", "a" * 64, "a:b.c_d-e", "", "-a", "a" * 65, "P\n", "../x", "é", " P"]
)
numbers = st.sampled_from([1, 10_000, 3.0, 0, -1, 10_001, 1.5, True, 1e400, 10**30])
anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(supplier_ids)
)
names = ("productId", "typeId", "quantity", "supplierOrderId", "note")
orders = st.fixed_dictionaries(
    {},
    optional={name: (numbers if name == "quantity" else supplier_ids) | anything for name in names},
)
good = st.fixed_dictionaries(
    {"productId": st.just("P1"), "typeId": supplier_ids, "quantity": numbers},
    optional={"supplierOrderId": supplier_ids},
) | st.fixed_dictionaries({"supplierOrderId": supplier_ids})


@given(good | orders)
def test_a_new_order_fits_the_document_if_and_only_if_the_code_takes_it(body):
    try:
        adopted = NewOrder.parse(body).supplier_order_id
        taken = adopted is None or ids.is_id(adopted)
    except InvalidRequest:
        taken = False
    assert accepts(SCHEMAS["NewOrder"], body) == taken


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (OPERATIONS["createOrder"]["parameters"][0]["schema"], create._KEY),
        (SCHEMAS["Id"], ids.ID_PATTERN),
    ],
    ids=["Idempotency-Key", "id"],
)
@given(data=st.data())
def test_a_text_fits_the_document_if_and_only_if_the_code_takes_it(told, meant, data):
    text = data.draw(st.text(max_size=140) | st.from_regex(meant) | st.sampled_from(["", "a\n"]))
    assert accepts(told, text) == bool(meant.fullmatch(text))


USER_ID = SCHEMAS["TokenRequest"]["properties"]["user_id"]


@given(st.text(max_size=140) | st.from_regex(tokens._USER_ID) | st.from_regex(ids.ID_PATTERN))
def test_a_user_id_fits_the_document_if_and_only_if_the_code_takes_it(text):
    client = ApiClient("c" * 24, scopes=[tokens.ACT_AS])
    try:
        taken = tokens._subject(client, text) == text
    except tokens.TokenRefused:
        taken = False
    assert accepts(USER_ID, text) == taken
