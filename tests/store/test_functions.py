"""Every function as Lambda runs it: its handler on the events of events/, on moto."""

import base64
import hashlib
import json
import re
from decimal import Decimal

import botocore.client
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cardvault import errors
from tests.support.apps import load_app
from tests.support.functions import (
    CODE,
    EVENTS,
    FILE,
    FUNCTIONS,
    LIVE,
    PROGRAM_ID,
    SECRET,
    SESSION,
    USED,
    LambdaContext,
    invoke,
)
from tests.support.openapi import answers, operations, resolved, validator
from tests.support.statemachine import tasks
from tests.support.template import resources, route_key
from tests.template.test_operators import MOST_CALLS

API_EVENTS = [case for case, event in EVENTS.items() if "routeKey" in event]
TASK_EVENTS = [case for case in EVENTS if case not in API_EVENTS]

ANSWERED = {
    "create_order/buy": 202,
    "create_order/adopt": 202,
    "create_order/adopt_without_scope": 403,
    "create_order/without_key": 400,
    "create_order/mailed": 202,
    "create_order/wrong_address": 400,
    "resend_email/again": 202,
    "resend_email/no_recipient": 400,
    "resend_email/corrected_without_scope": 403,
    "erase_recipient/shredded": 200,
    "erase_recipient/not_delivered": 409,
    "erase_recipient/no_recipient": 400,
    "create_download/csv": 201,
    "create_download/shredded": 410,
    "redeem_download/first": 303,
    "redeem_download/unknown": 404,
    "serve_claim_page/page": 200,
    "serve_claim_page/headers": 200,
    "serve_claim_page/slash_at_its_end": 302,
    "serve_claim_page/no_such_route": 404,
    "open_claim/live": 200,
    "open_claim/claimed": 200,
    "open_claim/unknown": 404,
    "send_claim_code/live": 202,
    "send_claim_code/used": 404,
    "redeem_claim/right_code": 200,
    "redeem_claim/wrong_code": 400,
    "redeem_claim/used": 404,
    "reveal_claimed_cards/claimed": 200,
    "reveal_claimed_cards/another_browser": 404,
    "download_claimed_cards/claimed": 201,
    "download_claimed_cards/not_claimed": 404,
    "renew_claim/used": 202,
    "issue_gift_cards/create": 201,
    "issue_gift_cards/bulk": 201,
    "issue_gift_cards/new_code": 200,
    "issue_gift_cards/by_a_user": 403,
    "issue_gift_cards/too_much": 400,
    "issue_gift_cards/without_key": 422,
    "fund_gift_card/activate": 200,
    "fund_gift_card/reload": 200,
    "fund_gift_card/reload_by_number": 200,
    "fund_gift_card/transfer": 200,
    "fund_gift_card/wrong_code": 401,
    "fund_gift_card/consolidate": 200,
    "spend_gift_card/redeem": 200,
    "spend_gift_card/insufficient": 400,
    "spend_gift_card/refund": 200,
    "spend_gift_card/hold": 201,
    "spend_gift_card/capture": 200,
    "spend_gift_card/release": 200,
    "spend_gift_card/no_such_hold": 404,
    "manage_gift_card/suspend": 200,
    "manage_gift_card/unsuspend": 200,
    "manage_gift_card/void": 200,
    "manage_gift_card/extend": 200,
    "manage_gift_card/adjust": 200,
    "manage_gift_card/hand_over": 200,
    "manage_gift_card/not_suspended": 400,
    "get_gift_card/details": 200,
    "get_gift_card/with_transactions": 200,
    "get_gift_card/transactions": 200,
    "get_gift_card/csv": 200,
    "get_gift_card/not_an_id": 422,
    "get_gift_card/another_customers": 404,
    "list_gift_cards/page": 200,
    "list_gift_cards/search": 200,
    "list_gift_cards/unknown_status": 422,
    "list_gift_cards/limit_too_high": 422,
    "check_balance/right_code": 200,
    "check_balance/right_code_with_token": 200,
    "check_balance/wrong_code": 404,
    "check_balance/not_a_code": 422,
    "get_audit_trail/whole": 200,
    "get_audit_trail/page": 200,
    "get_audit_trail/anothers": 404,
    "get_order/fulfilled": 200,
    "get_order/anothers": 404,
    "get_order/not_an_id": 404,
    "issue_token/basic": 200,
    "issue_token/for_a_user": 200,
    "issue_token/wrong_grant": 400,
    "issue_token/wrong_secret": 401,
    "list_orders/first_page": 200,
    "list_orders/next_page": 200,
    "list_orders/limit_too_high": 400,
    "publish_keys/configuration": 200,
    "publish_keys/keys": 200,
    "reveal_cards/fulfilled": 200,
    "reveal_cards/not_fulfilled": 400,
    "reveal_cards/shredded": 410,
    "shred_cards/fulfilled": 200,
    "shred_cards/in_progress": 409,
}
RETURNED = {
    "anchor_ledger/card": {"seq": 5},
    "anchor_ledger/batch": {"batchItemFailures": []},
    "anchor_ledger/overwritten": {"batchItemFailures": []},
    "anchor_ledger/not_an_id": errors.InvalidRequest,
    "await_issuer/create": None,
    "await_issuer/delete": None,
    "chain_audit_events/leftovers": {"chained": 5, "malformed": 0, "more": False},
    "chain_audit_events/batch": {"batchItemFailures": []},
    "chain_audit_events/overwritten": {"batchItemFailures": []},
    "chain_audit_events/malformed": {"batchItemFailures": []},
    "chain_audit_events/not_an_id": errors.InvalidRequest,
    "handle_email_event/bounce": {"emailStatus": "bounced"},
    "handle_email_event/complaint": {"emailStatus": "complained"},
    "handle_email_event/delivery": {"emailStatus": "delivered"},
    "handle_email_event/reject": {"emailStatus": "rejected"},
    "send_delivery_email/fulfilled": {"emailedAt": "2026-01-02T04:04:05.000Z"},
    "send_delivery_email/no_recipient": errors.NoRecipient,
    "apply_retention/scheduled": {"shredded": 0, "erased": 0, "failed": 0, "more": False},
    "sweep_downloads/scheduled": {"deleted": 0, "more": False},
    "expire_gift_cards/scheduled": {"posted": 1, "more": False},
    "verify_ledger/whole": {"cards": 6, "differences": []},
    "verify_ledger/wrong_cursor": errors.InvalidRequest,
    "rotate_gift_card_keys/status": {"stage": "settled"},
    "rotate_gift_card_keys/prepare": {
        "stage": "prepared",
        "changedAt": "2026-01-02T04:04:05.000Z",
    },
    "rotate_gift_card_keys/reseal_too_early": errors.InvalidRequest,
    "rotate_gift_card_keys/unknown_action": errors.InvalidRequest,
    "manage_program/create": {"name": "Gifts", "maxBalance": Decimal("500.00")},
    "manage_program/get": {"programId": PROGRAM_ID, "maxBalance": Decimal("10000.00")},
    "manage_program/unknown_action": errors.InvalidRequest,
    "manage_program/not_in_cents": errors.InvalidRequest,
    "manage_client/create": {"name": "shop", "clientSecret": "…"},
    "manage_client/rotate": {"clientId": "c" * 24, "clientSecret": "…"},
    "manage_client/revoke": {"clientId": "c" * 24, "revokedAt": "2026-01-02T04:04:05.000Z"},
    "manage_client/set_ceilings": {
        "clientId": "c" * 24,
        "cardsPerOrder": 100,
        "cardsPerDay": 1000,
    },
    "manage_client/get_ceilings": {"tenantId": "a" * 24, "cardsPerDay": None, "cardsToday": 0},
    "manage_client/set_retention": {"tenantId": "a" * 24, "shredAfterDays": 90},
    "manage_client/get_retention": {"tenantId": "a" * 24, "shredAfterDays": None},
    "manage_client/set_supplier_key": {"baseUrl": "https://supplier.example.com"},
    "manage_client/unknown_scope": errors.InvalidRequest,
    "place_order/first_try": {"status": "placed"},
    "place_order/in_doubt": errors.PlacementUnknown,
    "place_order/redriven_as_placed": {"status": "placed"},
    "place_order/redriven_as_not_placed": {"status": "placed"},
    "poll_fulfilment/finished": {"status": "FULFILLED"},
    "poll_fulfilment/handling": errors.OrderPending,
    "poll_fulfilment/overdue": errors.FulfilmentOverdue,
    "reconcile_orders/scheduled": {"started": 1, "attention": 0, "failed": 0, "more": False},
    "reconcile_order/lost_answer": {"status": "placed"},
    "reconcile_order/never_sent": errors.PlacementNotFound,
    "record_outcome/refunded": {"status": "refunded"},
    "record_outcome/overdue": {"status": "attention"},
    "record_outcome/timed_out": {"status": "attention"},
    "record_outcome/mail_refused": {"status": "attention"},
    "rewrap_data_keys/after_rotation": {"rewrapped": 2},
    "rewrap_data_keys/without_time": errors.InvalidRequest,
    "rewrap_data_keys/wrong_cursor": errors.InvalidRequest,
    "store_cards/fulfilled": {"status": "fulfilled", "cardCount": 3},
    "store_cards/not_placed": errors.SupplierOrderUnknown,
}


# --- the events ---


def function_of(case):
    return case.partition("/")[0].title().replace("_", "") + "Function"


def test_every_function_has_events_and_every_event_an_expectation():
    assert {case.partition("/")[0] for case in EVENTS} == set(FUNCTIONS)
    assert set(EVENTS) == set(ANSWERED) | set(RETURNED)


@pytest.mark.parametrize("case", API_EVENTS)
def test_an_api_event_is_one_of_its_functions_route(case):
    event = EVENTS[case]
    http = event["requestContext"]["http"]
    assert http["path"] == event["rawPath"]
    if event["routeKey"] != "$default":
        method, template = event["routeKey"].split()
        assert http["method"] == method
        assert event["rawPath"] == template.format(**event.get("pathParameters", {}))
    functions = resources("AWS::Serverless::Function").values()
    (properties,) = [
        function["Properties"]
        for function in functions
        if function["Properties"]["CodeUri"].endswith(case.partition("/")[0])
    ]
    declared = [route["Properties"] for route in properties.get("Events", {}).values()]
    routes = {route_key(route): route["Auth"] for route in declared}
    assert not routes or event["routeKey"] in routes
    scopes = event["requestContext"].get("authorizer", {}).get("jwt", {}).get("scopes")
    assert scopes == routes.get(event["routeKey"], {}).get("AuthorizationScopes")


def test_every_route_of_a_function_has_an_event():
    routes = {
        route_key(route["Properties"])
        for function in resources("AWS::Serverless::Function").values()
        for route in function["Properties"].get("Events", {}).values()
        if route["Type"] == "HttpApi"
    }
    assert routes <= {EVENTS[case]["routeKey"] for case in API_EVENTS}


@pytest.mark.parametrize("case", [case for case in API_EVENTS if ANSWERED[case] < 300])
def test_what_is_taken_fits_the_api_document(case):
    event = EVENTS[case]
    method, path = event["routeKey"].split()
    told = operations()[method, path]
    content = told.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        validator(content["schema"], closed=True).validate(json.loads(event.get("body") or "{}"))
    parameters = {parameter["name"].lower() for parameter in told["parameters"]}
    assert set(event.get("queryStringParameters") or {}) <= parameters
    key = "idempotency-key" in event["headers"]
    assert not key or "idempotency-key" in parameters


@pytest.mark.parametrize("case", TASK_EVENTS)
def test_a_workflow_event_has_the_fields_that_the_workflow_hands_over(case):
    camel = function_of(case)
    handed = [
        {name.removesuffix(".$") for name in state["Parameters"]["Payload"]}
        for state in tasks().values()
        if state["Parameters"]["FunctionName"] == camel
    ]
    assert not handed or set(EVENTS[case]) in handed


# --- behind the API ---


@pytest.mark.parametrize(
    "case", [case for case in API_EVENTS if EVENTS[case]["routeKey"] == "$default"]
)
def test_what_no_route_has_is_answered(run, case):
    answer = run(case)
    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (
        ANSWERED[case],
        "no-store",
    )


@pytest.mark.parametrize(
    "case", [case for case in API_EVENTS if EVENTS[case]["routeKey"] != "$default"]
)
def test_an_answer_is_as_the_api_document_says(run, output, case):
    answer = run(case)
    assert answer["statusCode"] == ANSWERED[case]
    method, path = EVENTS[case]["routeKey"].split()
    told = answers(operations()[method, path])[answer["statusCode"]]
    headers = {**answer["headers"], "Set-Cookie": "".join(answer.get("cookies", []))}
    media_type = headers["Content-Type"].partition(";")[0]
    if "content" in told:
        body = json.loads(answer["body"]) if media_type == "application/json" else answer["body"]
        validator(told["content"][media_type]["schema"], closed=True).validate(body)
    for name, header in told["headers"].items():
        validator(resolved(header)["schema"]).validate(headers[name])
    assert headers["Set-Cookie"] == "" or "Set-Cookie" in told["headers"]
    public = case.startswith("publish_keys/")
    assert headers["Cache-Control"] == ("public, max-age=300" if public else "no-store")
    assert headers["X-Request-Id"] == EVENTS[case]["requestContext"]["requestId"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    said = output.text()
    for secret in ("CANARY", SECRET, SESSION, LIVE, USED, FILE, CODE):
        assert secret not in said


def test_a_new_order_says_where_it_is_and_is_on_its_way(run, cloud):
    answer = run("create_order/buy")
    order_id = json.loads(answer["body"])["orderId"]
    assert answer["headers"]["Location"] == f"/api/orders/{order_id}"
    client = cloud.client("stepfunctions")
    (machine,) = client.list_state_machines()["stateMachines"]
    executions = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert [execution["name"] for execution in executions] == [order_id]


def test_the_same_event_twice_is_one_order(run):
    assert run("create_order/buy")["body"] == run("create_order/buy")["body"]


def test_an_owner_is_shown_the_codes(run):
    body = json.loads(run("reveal_cards/fulfilled")["body"])
    assert body["cards"][0] == {
        "cardNumber": 1,
        "code": "CANARY-A-VALUE-00001",
        "serial": "CANARY-A-SERIAL-00001",
    }


@pytest.mark.parametrize("case", ["get_order/anothers", "get_audit_trail/anothers"])
def test_i6_anothers_order_is_answered_as_an_unknown_one(run, case, monkeypatch):
    anothers = run(case)
    unknown = {**EVENTS[case], "pathParameters": {"orderId": "0" * 24}}
    monkeypatch.setitem(EVENTS, case, unknown)
    assert run(case) == anothers


def test_a_listing_goes_on_where_it_stopped(run, monkeypatch):
    event, seen, cursor = EVENTS["list_orders/first_page"], [], None
    while cursor or not seen:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        monkeypatch.setitem(
            EVENTS, "list_orders/first_page", {**event, "queryStringParameters": query}
        )
        body = json.loads(run("list_orders/first_page")["body"])
        seen += [order["orderId"] for order in body["orders"]]
        cursor = body.get("nextCursor")
    assert len(seen) == len(set(seen)) == 3


def test_a_trail_says_how_its_hashes_are_made(run):
    run("chain_audit_events/leftovers")
    for event in json.loads(run("get_audit_trail/whole")["body"])["events"]:
        assert event.pop("chained")
        told = event.pop("hash")
        event["subjectId"] = event.pop("orderId")
        text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert told == hashlib.sha256(text.encode()).hexdigest()


def test_a_token_speaks_for_the_user_it_was_asked_for(run):
    token = json.loads(run("issue_token/for_a_user")["body"])
    claims = token["access_token"].split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (said["sub"], said["tenant"]) == ("alice", "a" * 24)
    assert said["scope"] == token["scope"] == "orders:read cards:reveal"


# --- steps of the workflow, and what operators invoke ---


def as_lambda_does(value):
    """Source: LambdaMarshaller.default in https://github.com/aws/aws-lambda-python-runtime-interface-client"""
    assert isinstance(value, Decimal)
    return float(value)


@pytest.mark.parametrize("case", TASK_EVENTS)
def test_a_task_returns_a_little_or_raises_one_of_our_errors(run, output, case):
    expected = RETURNED[case]
    if expected is None:
        assert run(case) is None
    elif isinstance(expected, dict):
        returned = run(case)
        json.dumps(returned, default=as_lambda_does)
        assert {name: returned[name] for name in expected} == {
            name: returned[name] if value == "…" else value for name, value in expected.items()
        }
    else:
        with pytest.raises(expected) as raised:
            run(case)
        assert type(raised.value) is expected
    said = output.text()
    assert "CANARY" not in said
    assert "EXAMPLE-SUPPLIER-KEY" not in said


def test_a_step_of_the_workflow_returns_what_history_may_keep_and_no_more(run):
    steps = {state["Parameters"]["FunctionName"] for state in tasks().values()}
    for case, expected in RETURNED.items():
        if function_of(case) in steps and isinstance(expected, dict):
            assert set(run(case)) <= {"status", "cardCount", "emailWanted", "emailedAt"}


@pytest.mark.parametrize("case", ["manage_client/create", "manage_client/rotate"])
def test_a_new_secret_is_returned_and_never_logged(run, output, case):
    secret = run(case)["clientSecret"]
    assert len(secret) == 43
    assert secret not in output.text()


# --- when something unplanned happens ---

# On a request. The issuer's key is read at init, and what waits for the issuer asks no AWS.
CALLS_NOTHING = {"serve_claim_page", "publish_keys", "await_issuer"}
# Each function's first event above.
TELLING = {case.partition("/")[0]: case for case in reversed([*ANSWERED, *RETURNED])}
API, TASKS = (
    [case for name, case in TELLING.items() if case in expected and name not in CALLS_NOTHING]
    for expected in (ANSWERED, RETURNED)
)
THROTTLED = ClientError(
    {"Error": {"Code": "ThrottlingException", "Message": "CANARY-CODE"}}, "AnyOperation"
)
UNREACHABLE = EndpointConnectionError(endpoint_url="https://CANARY-CODE.invalid")
DENIED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "CANARY-CODE"}}, "AnyOperation"
)


def test_every_function_is_seen_failing():
    assert set(TELLING) == set(FUNCTIONS)
    may_call = {
        action
        for function in resources("AWS::Serverless::Function").values()
        if function["Properties"]["CodeUri"].endswith(tuple(CALLS_NOTHING))
        for policy in function["Properties"].get("Policies", [])
        for statement in policy["Statement"]
        for action in statement["Action"]
    }
    assert may_call == {"kms:GetPublicKey"}


@pytest.mark.parametrize("case", ["publish_keys/configuration", "publish_keys/keys"])
def test_what_the_issuer_publishes_needs_no_aws_on_a_request(aws_raises, monkeypatch, case):
    aws_raises(THROTTLED)
    app = load_app("publish_keys")
    monkeypatch.setattr(
        botocore.client.BaseClient, "_make_api_call", lambda *_: pytest.fail("asks AWS")
    )
    assert app.handler(EVENTS[case], LambdaContext())["statusCode"] == 200


@pytest.mark.parametrize("error", [ValueError("CANARY-CODE"), DENIED], ids=["bug", "denied"])
@pytest.mark.parametrize("case", API)
def test_i1_a_defect_is_answered_500_and_its_cause_stays_unsaid(output, aws_raises, case, error):
    aws_raises(error)
    answer = invoke(case)
    assert answer["statusCode"] == 500
    assert json.loads(answer["body"]) == {
        "error": "Internal error",
        "code": "INTERNAL_ERROR",
        "requestId": "JKJaXmPLvHcESHA=",
    }
    said = output.text()
    assert "CANARY" not in said + json.dumps(answer)
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    assert f'"detail":"{code or type(error).__name__}"' in said, (
        "the log has the type or AWS's code"
    )
    assert re.search(r"app\.py:\d+ handler", said), "and the place"
    assert "RequestFailures" in said, "and it is counted"
    assert answer["headers"]["Cache-Control"] == "no-store"


@pytest.mark.parametrize("error", [THROTTLED, UNREACHABLE], ids=["throttled", "unreachable"])
@pytest.mark.parametrize("case", API)
def test_a_failing_aws_is_answered_503_with_a_pause(output, aws_raises, case, error):
    aws_raises(error)
    answer = invoke(case)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "1")
    assert json.loads(answer["body"])["code"] == "AWS_UNAVAILABLE"
    said = output.text()
    assert "CANARY" not in said + json.dumps(answer)
    assert "RequestFailures" not in said


@pytest.mark.parametrize(
    ("error", "told"),
    [(ValueError("CANARY-CODE"), "ValueError"), (DENIED, "AccessDeniedException")],
    ids=["bug", "denied"],
)
@pytest.mark.parametrize("case", TASKS)
def test_i1_a_defect_in_a_task_leaves_as_its_type_alone(output, aws_raises, case, error, told):
    aws_raises(error)
    with pytest.raises(errors.InternalError) as raised:
        invoke(case)
    assert str(raised.value) == told
    assert raised.value.__suppress_context__
    said = output.text()
    assert "CANARY" not in said
    assert "TaskFailures" in said


@pytest.mark.parametrize("error", [THROTTLED, UNREACHABLE], ids=["throttled", "unreachable"])
@pytest.mark.parametrize("case", TASKS)
def test_a_failing_aws_leaves_a_task_as_what_the_workflow_retries(output, aws_raises, case, error):
    aws_raises(error)
    with pytest.raises(errors.AwsUnavailable) as raised:
        invoke(case)
    assert re.fullmatch(r"[A-Z][A-Za-z]+", str(raised.value)), "a code or a type, no sentence"
    said = output.text()
    assert "CANARY" not in said
    is_step = function_of(case) in {step["Parameters"]["FunctionName"] for step in tasks().values()}
    assert ("TaskFailures" in said) == (not is_step), "the workflow tries again, nobody else does"


@pytest.mark.parametrize(
    ("case", "counted"),
    [
        ("poll_fulfilment/overdue", True),
        ("place_order/in_doubt", False),
        ("poll_fulfilment/handling", False),
        ("reconcile_order/never_sent", False),
        ("manage_client/unknown_scope", False),
    ],
)
def test_what_the_workflow_settles_by_itself_trips_no_alarm(run, output, case, counted):
    with pytest.raises(errors.CardvaultError):
        run(case)
    assert ("TaskFailures" in output.text()) == counted


@pytest.mark.parametrize(
    "case",
    [
        "manage_client/create",
        "manage_client/rotate",
        "manage_client/revoke",
        "manage_client/set_ceilings",
        "manage_client/get_ceilings",
        "manage_client/set_retention",
        "manage_client/get_retention",
        "manage_client/set_supplier_key",
        "manage_program/create",
        "manage_program/get",
    ],
)
def test_an_operators_function_without_rounds_makes_two_calls_at_most(run, monkeypatch, case):
    run(case)
    made, make_call = [], botocore.client.BaseClient._make_api_call

    def counting(client, operation, request):
        made.append(operation)
        return make_call(client, operation, request)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counting)
    invoke(case)
    assert 1 <= len(made) <= MOST_CALLS
