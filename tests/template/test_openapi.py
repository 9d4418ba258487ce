"""docs/openapi.yaml tells of the API that template.yaml deploys and the code answers for."""

import ast
import itertools
import os
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from openapi_spec_validator import validate

from cardvault import links
from cardvault.audit.events import EventName
from cardvault.claims import claim_request
from cardvault.core import ids
from cardvault.errors import (
    CardsShredded,
    InternalError,
    InvalidRequest,
    Retryable,
    TooManyRequests,
    Unauthenticated,
)
from cardvault.fulfilment import create
from cardvault.fulfilment.create import NewOrder
from cardvault.giftcards.ledger import lifecycle, records
from cardvault.giftcards.operations import (
    issue,
)
from cardvault.giftcards.views import _ENTRY_DETAILS
from cardvault.http import fields
from cardvault.http.schemas import _as_meant, body
from cardvault.identity import clients, tokens
from cardvault.identity.clients import ApiClient
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.views import _SHOWN
from local.openapi.responses import codes_by_status
from local.openapi.schemas import as_told, laid_over
from tests.support.errors import error_classes
from tests.support.openapi import (
    accepts,
    answers,
    bodies,
    operations,
    resolved,
    spec,
    validator,
)
from tests.support.template import ROOT, resources, template

PACKAGE = ROOT / "layers/cardvault"
SCHEMAS = spec()["components"]["schemas"]
OPERATIONS = {operation["operationId"]: operation for operation in operations().values()}

LATER = {error.code for error in error_classes() if issubclass(error, Retryable | TooManyRequests)}


def routes():
    """(method, path) -> the function, the scopes and the APIs of every route that is deployed."""
    found = {}
    for name, function in resources("AWS::Serverless::Function").items():
        for event in function["Properties"].get("Events", {}).values():
            route = event["Properties"]
            if event["Type"] != "HttpApi" or "Path" not in route:
                continue
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


def told_by_status(operation):
    return {
        status: set().union(
            *(enums(schema, "code") for schema, _ in bodies(answer.get("content", {})))
        )
        for status, answer in answers(operation).items()
    }


def test_the_document_is_valid_openapi():
    validate(spec())


def test_the_document_is_what_the_code_makes():
    # In a process of its own, since a function binds its tables when it is loaded.
    made = subprocess.run(
        [sys.executable, "-m", "local.openapi", "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{PACKAGE}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def test_a_route_answers_the_errors_of_its_handler_under_the_statuses_of_its_api():
    raises = {Unauthenticated, InvalidRequest, CardsShredded, InternalError}
    of_orders = codes_by_status(raises, "GET /api/orders/{orderId}/cards", token=True)
    assert of_orders == {
        400: {"INVALID_REQUEST"},
        401: {"UNAUTHENTICATED"},
        403: set(),
        410: {"CARDS_SHREDDED"},
        429: set(),
        500: {"INTERNAL_ERROR"},
    }
    of_gift_cards = codes_by_status(raises, "POST /v2/giftcards/programs/x", token=False)
    assert of_gift_cards.keys() == {410, 422, 429, 500}


def test_a_checks_schema_is_told_with_names_for_its_fields():
    told = as_told(body({"email": fields.EMAIL}, {"note": fields.text(5)}), {"Mail": fields.EMAIL})
    assert told["properties"]["email"] == {"$ref": "#/components/schemas/Mail"}
    assert told["properties"]["note"]["pattern"].endswith("]+$")
    assert "description" not in told["properties"]["note"]
    said = {"properties": {"note": {"description": "why"}}}
    assert laid_over(told, said)["properties"]["note"]["maxLength"] == 5
    assert laid_over(told, said)["properties"]["note"]["description"] == "why"


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
    text = (ROOT / "docs/openapi.yaml").read_text().replace('"', "'")
    for kind, components in spec()["components"].items():
        for name in components if kind != "securitySchemes" else ():
            assert f"#/components/{kind}/{name}'" in text, name


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
    of_gift_cards = {EventName.SECURITY_CODE_REFUSED}
    told = SCHEMAS["AuditEvent"]["properties"]["event"]["enum"]
    assert told == [name for name in EventName if name not in of_gift_cards]


def test_every_event_of_the_trail_is_recorded_and_under_no_other_name():
    named, texts = set(), set()
    for path in (PACKAGE / "cardvault").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "EventName":
                named.add(node.attr)
            elif isinstance(node, ast.Constant) and not {"events.py", "errors"} & {*path.parts}:
                texts.add(node.value)
    assert named == set(EventName)
    assert not texts & set(EventName)


def test_the_events_that_documents_list_are_recorded():
    text = (ROOT / "docs/delivery.md").read_text().partition("| event | |")[2].partition("\n\n")[0]
    listed = re.findall(r"`([A-Z_]+)`", text)
    assert len(listed) > 15
    assert set(listed) <= set(EventName)
    mails = {"EMAIL_", "LINK_", "CODE_", "CLAIM_", "DOWNLOAD_"}
    assert {name for name in EventName if name.startswith(tuple(mails))} <= set(listed)


def test_each_event_has_a_sentence():
    lines = (PACKAGE / "cardvault/audit/events.py").read_text().splitlines()
    for number, line in enumerate(lines):
        if " = " in line:
            assert re.fullmatch(r"    # [A-Z].*\.", lines[number - 1]), line


def test_an_order_is_told_with_the_fields_and_the_statuses_it_has():
    shown = {getattr(OrderRecord, name).attr_name for name in _SHOWN}
    assert set(SCHEMAS["Order"]["properties"]) == {"orderId", *shown}
    assert SCHEMAS["Status"]["enum"] == list(Status)


def test_every_status_of_a_mail_is_told():
    outcomes = {
        call.args[1].value
        for call in ast.walk(ast.parse((PACKAGE / "cardvault/mail/ses_events.py").read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "_Outcome"
    }
    assert set(SCHEMAS["Order"]["properties"]["emailStatus"]["enum"]) == {"sent", *outcomes}


def returned_names(module, *functions):
    """The names that a view gives, wherever it does."""
    return {
        name.value
        for function in ast.walk(ast.parse((PACKAGE / "cardvault" / module).read_text()))
        if isinstance(function, ast.FunctionDef) and function.name in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Dict)
        for name in node.keys
        if isinstance(name, ast.Constant)
    }


def test_a_gift_card_and_its_transactions_are_told_with_the_fields_they_have():
    card = SCHEMAS["GiftCard"]
    assert set(card["required"]) == returned_names("giftcards/views.py", "card")
    assert set(card["properties"]) == {*card["required"], "transactions"}
    entry = SCHEMAS["GiftCardTransaction"]
    assert set(entry["required"]) == returned_names("giftcards/views.py", "transaction")
    details = {getattr(records.EntryRecord, name).attr_name for name in _ENTRY_DETAILS}
    assert set(entry["properties"]) == {*entry["required"], "heldAmount", *details}
    assert entry["properties"]["transactionType"]["enum"] == list(records.EntryType)
    assert SCHEMAS["GiftCardStatus"]["enum"] == list(lifecycle.Status)


def test_a_claim_is_told_with_the_fields_it_has():
    claim = SCHEMAS["Claim"]
    assert set(claim["properties"]) == set(claim["required"])
    assert set(claim["required"]) == returned_names("claims/views.py", "claim_view")


def test_every_detail_of_a_refusal_is_told():
    given = {
        detail.arg
        for path in (PACKAGE / "cardvault/giftcards").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"CardRefused", "InsufficientFunds", "LimitExceeded"}
        for detail in call.keywords
    }
    told = set(SCHEMAS["GiftCardError"]["properties"])
    assert told == {*SCHEMAS["Error"]["properties"], *given}


def examples():
    for operation_id, operation in OPERATIONS.items():
        named = [(item["name"], item) for item in operation["parameters"]]
        for answer in answers(operation).values():
            named += answer.get("headers", {}).items()
        for name, item in named:
            if "example" in resolved(item):
                yield f"{operation_id} {name}", resolved(item)["schema"], resolved(item)["example"]
        contents = [answer.get("content", {}) for answer in answers(operation).values()]
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
            told = {"Cache-Control", "Referrer-Policy", "X-Content-Type-Options", "X-Request-Id"}
            assert told <= set(answer["headers"]), status
        codes = told_by_status(OPERATIONS[operation_id])[status]
        assert ("Retry-After" in answer.get("headers", {})) == bool(codes & LATER), status


# --- request bodies: the document and the code accept the same ---

supplier_ids = st.sampled_from(
    ["P1", "a" * 64, "a:b.c_d-e", "", "-a", "a" * 65, "P\n", "../x", "é", " P"]
)
numbers = st.sampled_from([1, 10_000, 3.0, 0, -1, 10_001, 1.5, True, 1e400, 10**30])
anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.lists(supplier_ids, max_size=2)
)
names = ("productId", "typeId", "quantity", "supplierOrderId", "delivery", "note")
addresses = st.sampled_from(
    [
        *(
            "a@b.co",
            "a.b+c@x-y.example",
            "$1@b.co",
            "a@b",
            "@b.co",
            "a@-b.co",
            "é@b.co",
            "a@b.co\n",
        ),
        *(f"{'a' * 64}@b.co", f"{'a' * 65}@b.co", f"a@{'b.' * 125}co", f"a@{'b.' * 126}co"),
    ]
)
shown = st.sampled_from(
    ["Ada", "é" * 80, "é" * 81, "", "a\n", "a\x9f", "\u202eadA", "\U0001f381" * 80]
)
deliveries = st.fixed_dictionaries(
    {},
    optional={
        "email": addresses | st.just("a@b.co"),
        "name": shown,
        "shopName": shown,
        "locale": st.sampled_from(["en", "fr", "ar", "de"]),
        "protection": st.sampled_from(["otp", "passcode", "none", "pin"]),
        "passcode": st.sampled_from(["12345", "123456", "x" * 64, "x" * 65]),
        "note": st.just("n"),
    },
)
drawn = {"quantity": numbers, "delivery": deliveries}
orders = st.fixed_dictionaries(
    {}, optional={name: drawn.get(name, supplier_ids) | anything for name in names}
)
mailed = {"delivery": deliveries}
good = st.fixed_dictionaries(
    {"productId": st.just("P1"), "typeId": supplier_ids, "quantity": numbers},
    optional={"supplierOrderId": supplier_ids, **mailed},
) | st.fixed_dictionaries({"supplierOrderId": supplier_ids}, optional=mailed)
to_someone = st.fixed_dictionaries(
    {"productId": st.just("P1"), "typeId": st.just("T1"), "quantity": st.just(1), **mailed}
)


@given(good | orders | to_someone)
def test_a_new_order_fits_the_document_if_and_only_if_the_code_takes_it(body):
    try:
        adopted = NewOrder.parse(body).supplier_order_id
        taken = adopted is None or ids.is_id(adopted)
    except InvalidRequest:
        taken = False
    # The document says how a body is written best; the code reads one that was typed.
    assert accepts(SCHEMAS["NewOrder"], _as_meant(body, create._check.schema)) == taken
    assert taken or not accepts(SCHEMAS["NewOrder"], body)


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        (OPERATIONS["createOrder"]["parameters"][0]["schema"], fields.IDEMPOTENCY_KEY),
        (OPERATIONS["redeemGiftCard"]["parameters"][-1]["schema"], fields.IDEMPOTENCY_KEY),
        (OPERATIONS["redeemClaim"]["parameters"][0]["schema"], fields.SECRET_IDEMPOTENCY_KEY),
        (SCHEMAS["LinkToken"], links._TOKEN),
        (SCHEMAS["Id"], ids.ID_PATTERN),
    ],
    ids=["Idempotency-Key", "of a money move", "of a claim", "link token", "id"],
)
@given(data=st.data())
def test_a_text_fits_the_document_if_and_only_if_the_code_takes_it(told, meant, data):
    meant = re.compile(meant["pattern"]) if isinstance(meant, dict) else meant
    text = data.draw(st.text(max_size=140) | st.from_regex(meant) | st.sampled_from(["", "a\n"]))
    assert accepts(told, text) == bool(meant.fullmatch(text))


USER_ID = SCHEMAS["TokenRequest"]["properties"]["user_id"]


@given(
    st.text(max_size=140)
    | st.from_regex(fields.CALLERS_ID["pattern"])
    | st.from_regex(ids.ID_PATTERN)
)
def test_a_user_id_fits_the_document_if_and_only_if_the_code_takes_it(text):
    client = ApiClient("c" * 24, scopes=[tokens.ACT_AS])
    try:
        taken = tokens._subject(client, text) == text
    except tokens.TokenRefused:
        taken = False
    assert accepts(USER_ID, text) == taken


BASE = yaml.safe_load((ROOT / "docs/openapi.base.yaml").read_text())


def body_of(operation_id):
    return OPERATIONS[operation_id]["requestBody"]["content"]["application/json"]["schema"]


def test_a_recipient_of_a_bulk_is_told_with_the_fields_the_code_checks():
    told = body_of("issueGiftCards")["properties"]["recipients"]["items"]
    assert set(told["properties"]) == set(issue._RECIPIENTS["items"]["properties"])
    assert told["additionalProperties"] is False


def test_every_body_but_the_claim_pages_is_made_from_its_check():
    with_body = {name for name, operation in OPERATIONS.items() if "requestBody" in operation}
    claims = {name for name in with_body if OPERATIONS[name]["tags"] == ["Claim page"]}
    made = {
        operation["operationId"]
        for item in BASE["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "x-check" in str(operation.get("requestBody"))
    }
    assert with_body - claims == {*made, "createOrder", "issueToken"}
    fields = {field for name in claims for field in body_of(name)["properties"]}
    assert fields == set(claim_request._check.schema["properties"])


def test_nothing_of_the_base_is_left_open():
    assert not re.search(
        r"\bx-(check|field|enum|events|answers|calls-aws):",
        (ROOT / "docs/openapi.yaml").read_text(),
    )


def test_the_list_of_codes_has_those_of_all_answers():
    answered = {
        code
        for operation in operations().values()
        for codes in told_by_status(operation).values()
        for code in codes
    }
    assert set(SCHEMAS["ErrorCode"]["enum"]) == answered | {"NOT_FOUND"}


def links():
    for operation in operations().values():
        for answer in answers(operation).values():
            for link in answer.get("links", {}).values():
                yield operation, answer, link


def test_links_lead_from_what_was_made_to_what_can_be_done_with_it():
    led = set()
    for operation, answer, link in links():
        target = OPERATIONS[link["operationId"]]
        led.add(link["operationId"])
        of_path = {one["name"] for one in target["parameters"] if one["in"] == "path"}
        assert set(link["parameters"]) == of_path
        for expression in link["parameters"].values():
            _expect_there(operation, answer, expression)
    assert {"getOrder", "revealCards", "redeemGiftCard", "refundGiftCardTransaction"} <= led


def _expect_there(operation, answer, expression):
    """The answer's example, or the request's path, has what the expression names."""
    if expression.startswith("$request.path."):
        name = expression.removeprefix("$request.path.")
        assert name in {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        return
    name = expression.removeprefix("$response.body#/")
    for _, examples in bodies(answer["content"]):
        assert any(name in example for example in examples)
