"""API clients and their tokens: RFC 6749's client credentials, signed by KMS."""

import base64
import json
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote_plus, urlencode

import pytest
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardvault.aws import boto_clients, tables
from cardvault.errors import InvalidRequest
from cardvault.identity import clients, signing, tokens
from cardvault.identity.admin import ManageClients
from cardvault.identity.clients import ApiClient, ClientNotFound
from cardvault.identity.discovery import Discovery
from cardvault.identity.signing import SigningKey
from cardvault.identity.tokens import IssueToken, TokenRefused, expect_form
from tests.support.template import template

ISSUER = "https://issuer.test"


@pytest.fixture
def signing_key(cloud):
    tables.use(cloud.settings, ApiClient)
    return SigningKey.read(boto_clients.kms(), cloud.settings.signing_key_arn)


@pytest.fixture
def issue(signing_key, clock):
    return IssueToken(signing_key, ISSUER, "cardvault", timedelta(minutes=15), clock)


@pytest.fixture
def made(signing_key, clock):
    return clients.create("shop", ["orders:read", "users:act-as"], clock=clock)


def basic(client_id, secret):
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def ask(issue, made, secret=None, **form):
    form = {"grant_type": "client_credentials", **form}
    return issue(urlencode(form), basic(made.client.client_id, secret or made.secret))


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims(answer):
    return json.loads(decoded(answer["access_token"].split(".")[1]))


def test_a_token_says_whose_it_is_and_for_how_long(issue, made, clock):
    answer = ask(issue, made)
    now = int(clock().timestamp())
    said = claims(answer)
    assert len(bytes.fromhex(said.pop("jti"))) == 16
    assert said == {
        "iss": ISSUER,
        "aud": "cardvault",
        "sub": made.client.client_id,
        "client_id": made.client.client_id,
        "tenant": made.client.tenant_id,
        "scope": "orders:read users:act-as",
        "iat": now,
        "exp": now + 900,
    }
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)


def test_the_published_key_verifies_the_token_and_no_altered_one(issue, made, signing_key):
    (jwk,) = Discovery([signing_key.jwk], ISSUER).document("/.well-known/jwks.json")["keys"]
    header, body, signature = ask(issue, made)["access_token"].split(".")
    assert json.loads(decoded(header)) == {"alg": "RS256", "typ": "JWT", "kid": jwk["kid"]}
    numbers = (int.from_bytes(decoded(jwk[name]), "big") for name in ("e", "n"))
    key = RSAPublicNumbers(*numbers).public_key()
    key.verify(decoded(signature), f"{header}.{body}".encode(), PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(decoded(signature), f"{header}.{body}x".encode(), PKCS1v15(), SHA256())


class ForgetfulKms:
    """Refuses the first readings, as when it has not heard of the role yet."""

    def __init__(self, kms, refusals, code="AccessDeniedException"):
        self.kms, self.refusals, self.code = kms, refusals, code

    def get_public_key(self, **asked):
        self.refusals -= 1
        if self.refusals >= 0:
            raise ClientError({"Error": {"Code": self.code}}, "GetPublicKey")
        return self.kms.get_public_key(**asked)

    def close(self):
        self.kms.close()


def test_a_role_that_was_just_made_is_waited_for(signing_key):
    pauses, arn = [], signing_key.key_arn
    kms = ForgetfulKms(boto_clients.kms(), signing.READ_TRIES - 1)
    assert SigningKey.read(kms, arn, sleep=pauses.append).jwk == signing_key.jwk
    assert sum(pauses) < 30
    with pytest.raises(ClientError):
        SigningKey.read(
            ForgetfulKms(boto_clients.kms(), signing.READ_TRIES), arn, sleep=pauses.append
        )


def test_no_other_refusal_is_waited_for(signing_key):
    kms = ForgetfulKms(boto_clients.kms(), 1, "NotFoundException")
    with pytest.raises(ClientError):
        SigningKey.read(kms, signing_key.key_arn, sleep=lambda _: pytest.fail("waited"))


def test_discovery_leads_to_the_keys(signing_key):
    found = Discovery([signing_key.jwk], ISSUER).document("/.well-known/openid-configuration")
    assert found == {
        "issuer": ISSUER,
        "jwks_uri": ISSUER + "/.well-known/jwks.json",
        "token_endpoint": ISSUER + "/v2/token",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    published = Discovery([signing_key.jwk], ISSUER)
    assert published.document("/.well-known/oauth-authorization-server") == found
    assert published.document("/other") is None


def test_acting_as_a_user_makes_the_token_that_users(issue, made):
    said = claims(ask(issue, made, user_id="alice"))
    assert said["sub"] == "alice"
    assert "users:act-as" not in said["scope"]


WRITER = ["orders:read", "orders:write", "cards:reveal", "users:act-as"]


@pytest.mark.parametrize(
    ("scopes", "form", "granted"),
    [
        (WRITER, {}, "orders:read cards:reveal"),
        (["users:act-as", *tokens.OF_A_USER], {}, " ".join(tokens.OF_A_USER)),
        (WRITER, {"scope": "orders:write"}, "orders:write"),
        (WRITER, {"scope": "orders:write orders:read"}, "orders:read orders:write"),
        (WRITER, {"scope": "users:act-as"}, None),
        (WRITER, {"scope": "orders:read users:act-as"}, None),
        (WRITER, {"scope": "audit:read"}, None),
        (WRITER, {"scope": " "}, None),
        (["orders:write", "users:act-as"], {}, None),
    ],
)
def test_a_users_token_has_the_least_unless_the_client_asks_for_more(
    issue, signing_key, clock, scopes, form, granted
):
    made = clients.create("shop", scopes, clock=clock)
    if granted is None:
        with pytest.raises(TokenRefused) as refused:
            ask(issue, made, user_id="alice", **form)
        assert refused.value.error == "invalid_scope"
    else:
        answer = ask(issue, made, user_id="alice", **form)
        assert (answer["scope"], claims(answer)["scope"]) == (granted, granted)


def test_a_client_may_ask_for_fewer_scopes(issue, made):
    assert claims(ask(issue, made, scope="orders:read"))["scope"] == "orders:read"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": "cards:reveal"}, "invalid_scope"),
        ({"user_id": "a#b"}, "invalid_request"),
        ({"user_id": "0" * 24}, "invalid_request"),
        ({"user_id": "alice", "scope": "users:act-as"}, "invalid_scope"),
        ({"client_id": "1" * 24}, "invalid_request"),
        ({f"field-{n}": "x" for n in range(30)}, "invalid_request"),
        ({"client_secret": "again"}, "invalid_request"),
    ],
)
def test_refusals_are_those_of_the_rfc(issue, made, form, error):
    with pytest.raises(TokenRefused) as refused:
        ask(issue, made, **form)
    assert refused.value.error == error


@pytest.mark.parametrize("absent", ["scope", "user_id", "client_id"])
def test_a_parameter_without_a_value_is_as_good_as_absent(issue, made, absent):
    answer = ask(issue, made, **{absent: ""})
    assert claims(answer)["sub"] == made.client.client_id
    assert answer["scope"] == "orders:read users:act-as"


def test_the_clients_own_id_may_stand_beside_http_basic(issue, made):
    assert ask(issue, made, client_id=made.client.client_id)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("orders:reed", "orders:reed"),
        ("orders:read cards:reveal", "cards:reveal"),
        ("orders:read,cards:reveal", "orders:read,cards:reveal"),
        ("CANARY-1234", "a scope asked for"),
        ("orders:" + "x" * 50, "a scope asked for"),
    ],
)
def test_the_scope_that_is_refused_is_named(issue, made, scope, told):
    with pytest.raises(TokenRefused) as refused:
        ask(issue, made, scope=scope)
    assert str(refused.value) == f"the client may not have {told}; scopes are parted by blanks"


@pytest.mark.parametrize("user_id", ["ada+x@example.com", "user-" + "0" * 24, "a|b"])
def test_users_may_be_named_as_shops_name_them(issue, made, user_id):
    assert claims(ask(issue, made, user_id=user_id))["sub"] == user_id


def test_24_hex_digits_are_refused_with_a_way_out(issue, made):
    with pytest.raises(TokenRefused, match="put something before them, as in user-"):
        ask(issue, made, user_id="0" * 24)


@pytest.mark.parametrize(
    "kind", [None, "application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; a=b"]
)
def test_a_form_is_taken(kind):
    expect_form(kind)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text"])
def test_a_body_that_is_no_form_is_told_so(kind):
    with pytest.raises(TokenRefused, match="as a form") as refused:
        expect_form(kind)
    assert refused.value.error == "invalid_request"


def test_acting_as_a_user_needs_its_scope(issue, made, clock):
    plain = clients.create("plain", ["orders:read"], clock=clock)
    with pytest.raises(TokenRefused) as refused:
        ask(issue, plain, user_id="alice")
    assert refused.value.error == "unauthorized_client"


def test_a_parameter_given_twice_is_refused(issue, made):
    body = "grant_type=client_credentials&grant_type=client_credentials"
    with pytest.raises(TokenRefused):
        issue(body, basic(made.client.client_id, made.secret))


def test_credentials_may_come_in_the_body(issue, made):
    form = {
        "grant_type": "client_credentials",
        "client_id": made.client.client_id,
        "client_secret": made.secret,
    }
    assert issue(urlencode(form), None)["access_token"]


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer abc", "Basic YWJj"])
def test_a_header_that_is_no_credential_is_refused(issue, made, header):
    with pytest.raises(TokenRefused) as refused:
        issue("grant_type=client_credentials", header)
    assert refused.value.error == "invalid_client"


def test_unknown_wrong_and_revoked_clients_are_told_the_same(issue, made, clock):
    told = set()
    for client_id, secret in ((made.client.client_id, "wrong"), ("0" * 24, made.secret)):
        with pytest.raises(TokenRefused) as refused:
            issue("grant_type=client_credentials", basic(client_id, secret))
        told.add((refused.value.error, str(refused.value)))
    clients.revoke(made.client.client_id, clock=clock)
    with pytest.raises(TokenRefused) as refused:
        ask(issue, made)
    assert told == {(refused.value.error, str(refused.value))}


def test_after_a_rotation_the_old_secret_works_for_a_day(issue, made, clock):
    rotated = clients.rotate(made.client.client_id, clock=clock)
    assert ask(issue, made, rotated.secret)
    clock.advance(hours=23)
    assert ask(issue, made)
    clock.advance(hours=2)
    with pytest.raises(TokenRefused):
        ask(issue, made)
    assert ask(issue, made, rotated.secret)


def test_no_secret_is_kept_or_shown(made):
    stored = ApiClient.get(made.client.client_id)
    assert made.secret not in json.dumps(stored.to_dynamodb_dict())
    assert made.secret not in repr(made)


def test_a_client_may_have_each_scope_that_a_route_or_a_step_asks_for(manage):
    document = json.dumps(template())
    of_routes = set(re.findall(r"\b(?:orders|cards|audit|giftcards):[a-z]+(?=\")", document))
    of_steps = {"orders:adopt", "orders:correct", "users:act-as"}
    assert set(clients.SCOPES) == of_routes | of_steps
    made = manage({"action": "create", "name": "all", "scopes": sorted(of_routes | of_steps)})
    assert set(made["scopes"]) == set(clients.SCOPES)


# --- what operators do ---


@pytest.fixture
def manage(signing_key, cloud):
    secret_arn = cloud.settings.supplier_secret_arn
    return ManageClients(boto_clients.secrets_manager(), secret_arn, lambda *_: "PRODUCTION")


def test_an_operator_creates_rotates_and_revokes(manage):
    made = manage({"action": "create", "name": "shop", "scopes": ["orders:read"]})
    second = manage(
        {
            "action": "create",
            "name": "app",
            "scopes": ["orders:read"],
            "tenantId": made["tenantId"],
        }
    )
    assert second["tenantId"] == made["tenantId"]
    rotated = manage({"action": "rotate", "clientId": made["clientId"]})
    assert rotated["clientSecret"] != made["clientSecret"]
    assert manage({"action": "revoke", "clientId": made["clientId"]})["revokedAt"]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "action must be one of"),
        ({"action": "create", "name": "x", "scopes": []}, "scopes must have at least 1"),
        ({"action": "create", "name": "x", "scopes": ["all"]}, r"scopes\[0\] must be one of"),
        ({"action": "create", "scopes": ["orders:read"]}, "name is required"),
        ({"action": "rotate", "clientId": "x"}, "clientId must be 24 lower-case hex digits"),
        (
            {"action": "set_supplier_key", "baseUrl": "http://supplier.test", "accessToken": "t"},
            "baseUrl must be an https address",
        ),
        (
            {"action": "set_supplier_key", "baseUrl": "http://127.0.0.1:8080", "accessToken": "t"},
            "baseUrl must be an https address",
        ),
        (
            {"action": "set_supplier_key", "baseUrl": "http://[::1]:8080", "accessToken": "t"},
            "baseUrl must be an https address",
        ),
        (
            {"action": "set_supplier_key", "baseUrl": "https://", "accessToken": "t"},
            "baseUrl must be an https address",
        ),
        (
            {"action": "set_supplier_key", "baseUrl": "https://u@x.test", "accessToken": "t"},
            "baseUrl must be an https address",
        ),
        (
            {"action": "set_supplier_key", "baseUrl": "https://x.test/?a", "accessToken": "t"},
            "baseUrl must be an https address",
        ),
    ],
)
def test_an_operators_slip_is_named(manage, request_, said):
    with pytest.raises(InvalidRequest, match=said):
        manage(request_)


def test_an_unknown_client_is_not_found(manage):
    with pytest.raises(ClientNotFound) as refused:
        manage({"action": "rotate", "clientId": "0" * 24})
    assert refused.value.code == "CLIENT_NOT_FOUND"


def test_the_suppliers_key_is_set_in_its_secret(manage, cloud):
    manage(
        {
            "action": "set_supplier_key",
            "baseUrl": "https://api.supplier.test/v3/",
            "accessToken": "made-up",
        }
    )
    secret = boto_clients.secrets_manager().get_secret_value(
        SecretId=cloud.settings.supplier_secret_arn
    )
    assert json.loads(secret["SecretString"]) == {
        "baseUrl": "https://api.supplier.test",
        "accessToken": "made-up",
        "kind": "PRODUCTION",
    }


SET_KEY = {
    "action": "set_supplier_key",
    "baseUrl": "https://api.supplier.test",
    "accessToken": "made-up",
}


def supplier_secret(cloud):
    arn = cloud.settings.supplier_secret_arn
    return json.loads(boto_clients.secrets_manager().get_secret_value(SecretId=arn)["SecretString"])


@pytest.mark.parametrize("allowed", [False, True])
def test_a_sandbox_key_is_set_where_it_is_allowed_alone(manage, cloud, allowed):
    before = supplier_secret(cloud)
    setting = replace(manage, check_key=lambda *_: "SANDBOX", sandbox_key_allowed=allowed)
    if allowed:
        assert setting(SET_KEY)["kind"] == supplier_secret(cloud)["kind"] == "SANDBOX"
    else:
        with pytest.raises(InvalidRequest, match="sandbox"):
            setting(SET_KEY)
        assert supplier_secret(cloud) == before


def test_a_key_that_the_supplier_refuses_is_not_set(manage, cloud):
    asked = []

    def refusing(*key):
        asked.append(key)
        raise InvalidRequest("the supplier refuses this accessToken")

    before = supplier_secret(cloud)
    with pytest.raises(InvalidRequest, match="refuses"):
        replace(manage, check_key=refusing)(SET_KEY)
    assert supplier_secret(cloud) == before
    assert asked == [("https://api.supplier.test", "made-up")]


# --- whatever comes

REFUSALS = {
    "invalid_request",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
}
anything = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["0a" * 12, "%ED%A0%80", "client_credentials", "x" * 3000]
)
names = st.sampled_from(["grant_type", "client_id", "client_secret", "scope", "user_id", "x"])
forms = st.lists(st.tuples(names, anything)).map(urlencode)
headers = st.none() | anything | st.builds("Basic {}".format, anything)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(anything | forms, headers | st.builds(basic, anything, anything))
def test_whatever_comes_is_refused_in_the_words_of_rfc_6749(issue, body, authorization):
    with pytest.raises(TokenRefused) as refused:
        issue(body, authorization)
    assert refused.value.error in REFUSALS


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(scope=st.none() | anything, user=st.none() | anything)
def test_no_token_has_more_than_its_client(issue, made, scope, user):
    asked = {"scope": scope, "user_id": user}
    try:
        said = claims(
            ask(issue, made, **{name: one for name, one in asked.items() if one is not None})
        )
    except TokenRefused:
        return
    assert set(said["scope"].split()) <= set(made.client.scopes)
    assert (said["tenant"], said["client_id"]) == (made.client.tenant_id, made.client.client_id)
    assert said["sub"] == (user or made.client.client_id)
    assert not user or "users:act-as" not in said["scope"].split()
