"""API Gateway's events in, answers out: parsing, and one status for every error."""

import io
import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from pynamodb.exceptions import GetError

from cardvault import errors
from cardvault.aws import failures
from cardvault.aws.failures import log_undeclared
from cardvault.aws.logs import logger
from cardvault.errors import CardvaultError, InvalidRequest, OrderNotFound
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import GUARDED, respond
from tests.support.functions import LambdaContext

CLASSES = {
    error.__name__: error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, CardvaultError)
}
STATUS = {
    "InvalidRequest": 400,
    "Refused": 400,
    "OrderNotFulfilled": 400,
    "OrderAboveCeiling": 400,
    "WrongCode": 400,
    "CodeTooOld": 400,
    "NoRecipient": 400,
    "MailNotSetUp": 400,
    "CardRefused": 400,
    "InsufficientFunds": 400,
    "LimitExceeded": 400,
    "Unauthenticated": 401,
    "WrongSecurityCode": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "OrderNotFound": 404,
    "LinkUnusable": 404,
    "DownloadExpired": 404,
    "ProgramNotFound": 404,
    "GiftCardNotFound": 404,
    "TransactionNotFound": 404,
    "HoldNotFound": 404,
    "Conflict": 409,
    "IdempotencyKeyReused": 409,
    "SupplierOrderTaken": 409,
    "OrderInProgress": 409,
    "RecipientNeeded": 409,
    "AddressSuppressed": 409,
    "ClaimLocked": 409,
    "BodyTooLarge": 413,
    "Gone": 410,
    "CardsShredded": 410,
    "TooManyRequests": 429,
    "TooSoon": 429,
    "TooManyCodes": 429,
    "UnsupportedMediaType": 415,
    "WrongAddress": 400,
    "TooManyMails": 429,
    "DailyCeilingReached": 429,
    "Retryable": 503,
    "TooManyWriters": 503,
    "StoringOvertaken": 503,
    "OutOfTime": 503,
    "OrderPending": 503,
    "SupplierThrottled": 503,
    "SupplierUnavailable": 503,
    "SupplierBlocked": 503,
    "PlacementNotFound": 503,
    "CardsNotReady": 503,
    "CardUnreadable": 503,
    "MailThrottled": 503,
    "MailUnavailable": 503,
    "AwsUnavailable": 503,
}
RETRIED = {"retry_after_s": 7}
GIVEN = {
    "TooManyRequests": RETRIED,
    "TooManyMails": RETRIED,
    "DailyCeilingReached": RETRIED,
    "TooManyCodes": RETRIED,
}
UNREACHABLE = EndpointConnectionError(endpoint_url="https://CANARY-CODE.invalid")
EVENT = {"requestContext": {"requestId": "request-1"}}


def made(name):
    return CLASSES[name](**GIVEN.get(name, {}))


def answered(error, event=EVENT):
    """What the endpoint answers to work that raises the error."""

    @endpoint(raises=[type(error)])
    def handler(_event):
        raise error

    return handler(event, LambdaContext())


@pytest.fixture
def log(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


# --- errors ---


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_has_a_status_and_answers_with_its_code(name):
    answer = answered(made(name))
    assert answer["statusCode"] == STATUS.get(name, 500)
    body = json.loads(answer["body"])
    assert body == {
        "error": CLASSES[name].message,
        "code": CLASSES[name].code,
        "requestId": "request-1",
    }


GIFT_CARDS = {
    "InvalidRequest": (422, "VALIDATION_ERROR"),
    "IdempotencyKeyReused": (422, "IDEMPOTENCY_KEY_REUSED"),
}


@pytest.mark.parametrize("name", CLASSES)
def test_the_gift_card_api_answers_what_is_wrong_with_a_request_in_its_own_way(name):
    error = CLASSES[name]
    route = "POST /v2/giftcards/programs/{programId}/cards"
    answer = answered(made(name), {**EVENT, "routeKey": route})
    expected = GIFT_CARDS.get(name, (STATUS.get(name, 500), error.code))
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == expected


@pytest.mark.parametrize("route", ["GET /api/orders", "POST /v2/token", None])
def test_every_other_api_answers_it_with_400(route):
    answer = answered(InvalidRequest(), {**EVENT, **({"routeKey": route} if route else {})})
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("name", CLASSES)
def test_every_error_has_words_for_people_and_a_code_for_programs(name):
    error = CLASSES[name]
    assert error.code.replace("_", "").isupper()
    assert str(made(name)) == error.message
    assert error.__doc__


def test_a_callers_error_is_explained_and_ours_is_not():
    told = json.loads(answered(InvalidRequest("limit must be less"))["body"])["error"]
    assert told == "limit must be less"
    for error in (errors.AwsUnavailable("CANARY"), errors.InternalError("CANARY")):
        assert "CANARY" not in answered(error)["body"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ValueError("CANARY-CODE"), 500, "INTERNAL_ERROR"),
        (KeyError("CANARY-CODE"), 500, "INTERNAL_ERROR"),
        (
            ClientError({"Error": {"Code": "Throttling", "Message": "CANARY-CODE"}}, "Get"),
            503,
            "AWS_UNAVAILABLE",
        ),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "CANARY-CODE"}}, "Get"),
            500,
            "INTERNAL_ERROR",
        ),
        (
            GetError("CANARY-CODE", EndpointConnectionError(endpoint_url="x")),
            503,
            "AWS_UNAVAILABLE",
        ),
    ],
)
def test_i1_an_unplanned_error_says_nothing_to_the_caller_nor_to_the_log(
    log, capsys, error, status, code
):
    answer = answered(error)
    assert answer["statusCode"] == status
    assert json.loads(answer["body"])["code"] == code
    said = log.getvalue() + "".join(capsys.readouterr())
    assert "CANARY" not in said + json.dumps(answer)
    assert f'"error":"{type(error).__name__}"' in said
    assert ("RequestFailures" in said) == (status == 500), "trying again mends a 503"


def test_an_error_of_the_caller_is_neither_logged_nor_counted(log, capsys):
    answered(OrderNotFound())
    assert log.getvalue() + "".join(capsys.readouterr()) == ""


def declaring(raises, error):
    @endpoint(raises=raises)
    def handler(_event):
        raise error

    return handler


def test_an_error_that_is_not_declared_fails_a_test():
    with pytest.raises(pytest.fail.Exception, match="CardsShredded is not among"):
        declaring([errors.Gone], errors.CardsShredded())(EVENT, LambdaContext())


def test_an_error_that_is_not_declared_is_answered_and_logged(log, monkeypatch):
    monkeypatch.setattr(failures, "log_undeclared", log_undeclared)
    answer = declaring([], errors.CardsShredded())(EVENT, LambdaContext())
    assert answer["statusCode"] == 410
    assert "undeclared error" in log.getvalue()
    assert "CardsShredded" in log.getvalue()


@pytest.mark.parametrize("error", [errors.Unauthenticated(), errors.AwsUnavailable(), KeyError()])
def test_what_any_request_may_meet_need_not_be_declared(error):
    assert declaring([], error)(EVENT, LambdaContext())["statusCode"] in {401, 500, 503}


def test_a_function_with_several_routes_declares_for_each():
    handler = declaring({"one": [errors.Gone], "two": []}, errors.Gone())
    assert errors.Gone in handler.raises("POST /v2/one")
    assert errors.Gone not in handler.raises("POST /v2/two")
    assert handler({**EVENT, "routeKey": "POST /v2/one"}, LambdaContext())["statusCode"] == 410
    with pytest.raises(pytest.fail.Exception):
        handler({**EVENT, "routeKey": "POST /v2/two"}, LambdaContext())


def test_what_may_work_later_says_when():
    assert answered(errors.TooManyWriters())["headers"]["Retry-After"] == "1"
    assert answered(errors.TooManyRequests(7))["headers"]["Retry-After"] == "7"
    assert answered(errors.TooSoon())["headers"]["Retry-After"] == "30"
    assert "Retry-After" not in answered(errors.InternalError())["headers"]


def test_an_event_without_a_request_id_is_answered_too():
    assert json.loads(answered(OrderNotFound(), {})["body"])["requestId"] is None


def test_a_process_that_is_told_to_stop_stops():
    with pytest.raises(SystemExit):
        answered(SystemExit())


def test_the_details_of_a_refusal_stand_beside_its_words():
    refused = answered(errors.LimitExceeded("at most 5.00", maxBalance=5))
    assert json.loads(refused["body"]) == {
        "error": "at most 5.00",
        "code": "LIMIT_EXCEEDED",
        "requestId": "request-1",
        "maxBalance": 5,
    }


# --- answers ---


def test_an_answer_is_kept_by_no_cache_and_told_to_no_referrer():
    answer = respond(200, {"code": "clé"}, {"Location": "/x"})
    assert answer["headers"] == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Location": "/x",
    }
    assert answer["body"] == '{"code":"clé"}'
    assert "Location" not in GUARDED


# --- parameters ---


def asking(**parameters):
    return {"queryStringParameters": parameters}


def limit(event):
    return request.WholeNumber("limit", least=1, most=100, default=20)(event)


@pytest.mark.parametrize("event", [{}, {"queryStringParameters": None}, asking(other="7")])
def test_an_absent_parameter_has_its_default(event):
    assert limit(event) == 20
    assert request.query(event, "limit") is None


@given(st.integers(1, 100))
def test_a_whole_number_within_its_limits_is_taken(number):
    assert limit(asking(limit=str(number))) == number


@pytest.mark.parametrize(
    "raw",
    [
        "0",
        "101",
        "-1",
        "+1",
        "1.0",
        "1e1",
        " 1",
        "1\n",
        "1,2",
        "0x1",
        "٣",
        "9" * 5000,
        "CANARY",
    ],
)
def test_anything_else_is_refused_by_name_and_not_repeated(raw):
    with pytest.raises(InvalidRequest) as refused:
        limit(asking(limit=raw))
    assert str(refused.value) == "limit must be a whole number from 1 to 100"


@given(st.text())
def test_any_text_is_a_number_in_range_or_refused(raw):
    try:
        number = limit(asking(limit=raw))
    except InvalidRequest:
        number = 1
    assert 1 <= number <= 100


@pytest.mark.parametrize("headers", [None, {}, {"other": "x"}])
def test_a_header_may_be_absent(headers):
    assert request.header({"headers": headers}, "idempotency-key") is None
    assert request.header({}, "idempotency-key") is None
    assert request.header({"headers": {"idempotency-key": "k"}}, "idempotency-key") == "k"


@pytest.mark.parametrize(
    "text", ["", "x", "0" * 23, "0" * 25, "A" * 24, "g" * 24, "0" * 24 + "\n", "\u0660" * 24]
)
def test_i6_what_can_be_no_id_is_answered_as_an_unknown_order(text):
    with pytest.raises(OrderNotFound):
        request.order_id({"pathParameters": {"orderId": text}})


def test_an_id_is_taken():
    assert request.order_id({"pathParameters": {"orderId": "0a" * 12}}) == "0a" * 12


@pytest.mark.parametrize("text", ["", "x", "0" * 23, "A" * 24, "0" * 24 + "\n"])
def test_what_can_be_no_id_of_a_gift_card_is_named(text):
    with pytest.raises(InvalidRequest, match=r"^cardId must be 24 lower-case hex digits$"):
        request.path_id({"pathParameters": {"cardId": text}}, "cardId")
    assert request.path_id({"pathParameters": {"cardId": "0a" * 12}}, "cardId") == "0a" * 12


@pytest.mark.parametrize("raw", ["1", "True", "no", "true "])
def test_what_is_neither_true_nor_false_is_refused_by_name(raw):
    with pytest.raises(InvalidRequest, match=r"^open must be true or false$"):
        request.Flag("open")(asking(open=raw))


def test_true_and_false_are_taken():
    assert request.Flag("open")(asking(open="true")) is True
    assert request.Flag("open")(asking(open="false")) is False
    assert request.Flag("open")({}) is False


@pytest.mark.parametrize(
    "parameter",
    [request.Flag("x"), request.Choice("x", ["red"]), request.WholeNumber("x", 1, 9, 1)],
)
def test_a_parameter_that_was_left_empty_is_an_absent_one(parameter):
    assert parameter(asking(x="")) == parameter({})


KNOWN = (request.Text("merchant_id"), request.WholeNumber("limit", 1, 9, 1))


@endpoint(raises=(), query=KNOWN)
def filtered(event):
    return respond(200, [request.query(event, "merchant_id"), request.query(event, "limit")])


@endpoint(raises=(), query={"cards": KNOWN, "search": ()})
def by_route(event):
    return filtered(event, LambdaContext())


@endpoint(raises=(), query=None)
def lenient(event):
    return respond(200, event["queryStringParameters"])


def test_a_query_parameter_in_camel_case_is_the_one_in_snake_case():
    for name in ("merchant_id", "merchantId"):
        answer = filtered(asking(**{name: "shop-a"}), LambdaContext())
        assert json.loads(answer["body"]) == ["shop-a", None]
    twice = filtered(asking(merchant_id="a", merchantId="b"), LambdaContext())
    assert json.loads(twice["body"])["error"] == "merchant_id is given twice"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("customerId", "the query parameter customerId"),
        ("page", "the query parameter page"),
        ("Limit", "a query parameter"),
        ("CANARY-1234", "a query parameter"),
        ("", "a query parameter"),
        ("x" * 41, "a query parameter"),
    ],
)
def test_a_query_parameter_that_is_not_known_is_refused_and_the_known_are_named(name, told):
    answer = filtered(asking(**{name: "CANARY"}), LambdaContext())
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"] == (
        f"{told} is not known; known are merchant_id, limit"
    )
    assert "CANARY" not in answer["body"]


def test_a_function_of_several_routes_knows_what_each_takes():
    searching = {**asking(limit="3"), "routeKey": "GET /x/search"}
    assert "known are none" in by_route(searching, LambdaContext())["body"]
    listing = {**searching, "routeKey": "GET /x/cards"}
    assert by_route(listing, LambdaContext())["statusCode"] == 200
    assert lenient(asking(utm_source="mail"), LambdaContext())["statusCode"] == 200


def test_one_of_some_words_is_taken_and_no_other():
    colour = request.Choice("colour", ["red", "green"])
    assert colour(asking(colour="red")) == "red"
    assert colour({}) is None
    for raw in ("Red", "red,green", "blue\n"):
        with pytest.raises(InvalidRequest, match=r"^colour must be one of red, green$"):
            colour(asking(colour=raw))


# --- who is asking ---


TENANT = "a" * 24


def claiming(**claims):
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims}}}}


CLAIMS = {"tenant": TENANT, "sub": "alice", "client_id": "c", "scope": "orders:read cards:reveal"}


def test_a_caller_is_who_the_token_says():
    caller = Caller.of(claiming(**CLAIMS))
    assert (caller.tenant_id, caller.user_id, caller.client_id) == (TENANT, "alice", "c")
    assert caller.scopes == {"orders:read", "cards:reveal"}
    assert (caller.ip_address, caller.user_agent) == (None, None)


@pytest.mark.parametrize("missing", CLAIMS)
def test_a_token_without_one_of_our_claims_tells_no_caller(missing):
    claims = {name: value for name, value in CLAIMS.items() if name != missing}
    with pytest.raises(errors.Unauthenticated):
        Caller.of(claiming(**claims))


@pytest.mark.parametrize(
    "claim",
    [{"tenant": "t"}, {"tenant": TENANT + "#"}, {"sub": ""}, {"sub": "a#b"}, {"sub": "a" * 129}],
)
def test_i6_a_claim_that_could_pass_for_anothers_tells_no_caller(claim):
    with pytest.raises(errors.Unauthenticated):
        Caller.of(claiming(**{**CLAIMS, **claim}))


@pytest.mark.parametrize("event", [{}, {"requestContext": {}}, {"requestContext": {"http": {}}}])
def test_an_event_without_a_token_tells_no_caller(event):
    with pytest.raises(errors.Unauthenticated):
        Caller.of(event)


def test_a_missing_scope_is_named():
    with pytest.raises(errors.Forbidden, match="orders:adopt"):
        Caller.of(claiming(**CLAIMS)).require("orders:adopt")


def test_i6_one_tenants_trail_does_not_name_anothers_users():
    caller = Caller.of(claiming(**CLAIMS))
    assert caller.audit_actor(TENANT)["user_id"] == "alice"
    assert not {"user_id", "client_id"} & set(caller.audit_actor("other"))
    assert caller.owns(TENANT, "alice")
    assert not caller.owns(TENANT, "bob")
    assert not caller.owns("other", "alice")
