"""Each function: its own role and log group, only the environment it reads, clean at import."""

import ast
import os
import re
import secrets
import traceback

import botocore.client
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardvault.aws import settings as settings_module
from cardvault.identity.clients import SCOPES
from tests.support.apps import any_value, load
from tests.support.statemachine import tasks
from tests.support.template import ROOT, resources, route_key, template

FUNCTIONS = resources("AWS::Serverless::Function")
NAMES = sorted(FUNCTIONS)
ALLOWED_STARS = {"LogDeliveryKnowsNoResources", "TheAccountDelegatesByIam"}


def environment(name):
    return FUNCTIONS[name]["Properties"].get("Environment", {}).get("Variables", {})


def statements(name):
    return [
        statement
        for policy in FUNCTIONS[name]["Properties"].get("Policies", [])
        for statement in policy["Statement"]
    ]


def actions(name):
    return {action for statement in statements(name) for action in statement["Action"]}


def load_app(name):
    return load(f"app_{name}", ROOT / FUNCTIONS[name]["Properties"]["CodeUri"] / "app.py")


PUBLIC_KEY = (
    rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)


def at_import(_client, operation, _arguments):
    """All that may be asked of AWS then: what the issuer publishes anyway."""
    if operation != "GetPublicKey":
        pytest.fail(f"{operation} at import")
    return {"PublicKey": PUBLIC_KEY}


@pytest.fixture
def on_lambda(monkeypatch):
    """The environment AWS gives, and nothing else that a function might lean on."""
    for variable in list(os.environ):
        if variable.startswith("AWS_") or variable.endswith(("_TABLE", "_ARN")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "cardvault-test")
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", at_import)

    def give(name):
        for variable in environment(name):
            monkeypatch.setenv(variable, any_value(variable))

    return give


@pytest.mark.parametrize("name", NAMES)
def test_a_function_reads_the_environment_it_declares_and_no_more(name, on_lambda, monkeypatch):
    on_lambda(name)
    read, original = set(), settings_module._Variable.__get__

    def recording(variable, settings, owner):
        read.add(variable.name)
        return original(variable, settings, owner)

    monkeypatch.setattr(settings_module._Variable, "__get__", recording)
    load_app(name)
    assert read - {"POWERTOOLS_SERVICE_NAME"} == set(environment(name))


@pytest.mark.parametrize("name", NAMES)
def test_i12_nothing_random_or_secret_is_made_at_import(name, on_lambda, monkeypatch):
    on_lambda(name)
    ours = []

    def noting(original):
        def noted(*args, **kwargs):
            stack = traceback.extract_stack()
            ours.extend(
                f.filename for f in stack if re.search(r"/cardvault/\w+/|app\.py$", f.filename)
            )
            return original(*args, **kwargs)

        return noted

    for function in ("token_bytes", "token_hex", "token_urlsafe"):
        monkeypatch.setattr(secrets, function, noting(getattr(secrets, function)))
    load_app(name)
    assert ours == []


@pytest.mark.parametrize("name", NAMES)
def test_a_function_has_its_own_log_group_with_retention(name):
    # Named by the function, or a version that is published first would make the group itself.
    group = FUNCTIONS[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert group == name.removesuffix("Function") + "Logs"
    assert resources("AWS::Logs::LogGroup")[group]["Properties"]["RetentionInDays"]


@pytest.mark.parametrize("name", NAMES)
def test_i11_a_function_has_its_own_role_without_stars(name):
    assert "Role" not in FUNCTIONS[name]["Properties"]
    for statement in statements(name):
        assert statement["Resource"] != "*"
        assert not [action for action in statement["Action"] if "*" in action]


def test_stars_stand_only_where_aws_knows_no_better():
    found = []

    def walk(part):
        if isinstance(part, dict):
            if part.get("Resource") == "*" and part.get("Sid") not in ALLOWED_STARS:
                found.append(part)
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(template()["Resources"])
    assert found == []


@pytest.mark.parametrize(
    ("name", "may", "may_not"),
    [
        ("StoreCardsFunction", "kms:GenerateDataKey", "kms:Decrypt"),
        ("RecordOutcomeFunction", "dynamodb:DeleteItem", "dynamodb:PutItem on OrdersTable"),
        ("RevealCardsFunction", "kms:Decrypt", "kms:GenerateDataKey"),
        ("RevealCardsFunction", "kms:Decrypt", "dynamodb:PutItem on OrdersTable"),
        ("ShredCardsFunction", "dynamodb:DeleteItem", "kms:Decrypt"),
        ("RewrapDataKeysFunction", "kms:ReEncryptFrom", "kms:Decrypt"),
        ("GetOrderFunction", "dynamodb:GetItem", "dynamodb:PutItem on OrdersTable"),
        ("IssueTokenFunction", "kms:Sign", "dynamodb:PutItem"),
        ("GetGiftCardFunction", "dynamodb:GetItem", "dynamodb:PutItem"),
        ("GetGiftCardFunction", "dynamodb:Query", "dynamodb:UpdateItem"),
        ("ListGiftCardsFunction", "dynamodb:BatchGetItem", "dynamodb:PutItem"),
        ("VerifyLedgerFunction", "dynamodb:Query", "dynamodb:PutItem"),
        ("VerifyLedgerFunction", "dynamodb:Scan", "secretsmanager:GetSecretValue"),
        ("CheckBalanceFunction", "dynamodb:GetItem", "dynamodb:PutItem on GiftCardsTable"),
        ("ExpireGiftCardsFunction", "dynamodb:PutItem", "secretsmanager:GetSecretValue"),
        ("ManageProgramFunction", "dynamodb:PutItem", "dynamodb:PutItem on GiftCardsTable"),
        ("RotateGiftCardKeysFunction", "secretsmanager:PutSecretValue", "dynamodb:Query"),
    ],
)
def test_i11_each_role_can_do_only_its_own_job(name, may, may_not):
    assert may in actions(name)
    action, _, table = may_not.partition(" on ")
    for statement in statements(name):
        if action in statement["Action"]:
            assert table
            assert table not in str(statement["Resource"])


def test_i11_revealing_may_write_no_sealed_card():
    (update,) = [
        s for s in statements("RevealCardsFunction") if "dynamodb:UpdateItem" in s["Action"]
    ]
    written = update["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
    assert "sealedCards" not in written


def test_i11_only_who_shows_cards_may_open_them():
    openers = {
        name
        for name in NAMES
        for statement in statements(name)
        if "kms:Decrypt" in statement["Action"] and "CardKey" in str(statement["Resource"])
    }
    assert openers == {
        "RevealCardsFunction",
        "RevealClaimedCardsFunction",
        "CreateDownloadFunction",
        "DownloadClaimedCardsFunction",
    }


def test_i11_mail_has_no_kms_and_sends_as_one_address_alone():
    senders = {name for name in NAMES if "ses:SendEmail" in actions(name)}
    assert senders == {
        "SendDeliveryEmailFunction",
        "ResendEmailFunction",
        "RenewClaimFunction",
        "SendClaimCodeFunction",
    }
    for name in senders:
        assert not [action for action in actions(name) if action.startswith(("kms:", "s3:"))]
        (send,) = [s for s in statements(name) if "ses:SendEmail" in s["Action"]]
        assert send["Condition"]["StringEquals"] == {"ses:FromAddress": {"Ref": "MailSender"}}


def test_i11_the_sweep_can_only_list_and_delete():
    assert actions("SweepDownloadsFunction") == {"s3:ListBucket", "s3:DeleteObject"}


def test_i11_only_who_stores_cards_may_write_sealed_ones():
    writers = {name for name in NAMES if "sealedCards" in str(statements(name))}
    assert writers == {"StoreCardsFunction"}


def test_i11_a_role_that_changes_orders_names_the_attributes():
    for name in NAMES:
        for statement in statements(name):
            writes = {"dynamodb:UpdateItem", "dynamodb:PutItem"} & set(statement["Action"])
            if writes and "OrdersTable" in str(statement["Resource"]):
                assert statement["Condition"]["ForAllValues:StringEquals"]


def writers(table, attribute):
    """The functions whose role may write that attribute of an item of the table."""
    return {
        name
        for name in NAMES
        for statement in statements(name)
        if {"dynamodb:UpdateItem", "dynamodb:PutItem"} & set(statement["Action"])
        and table in str(statement["Resource"])
        and attribute in str(statement["Condition"]["ForAllValues:StringEquals"])
    }


MAILERS = {"SendDeliveryEmailFunction", "ResendEmailFunction", "RenewClaimFunction"}
CREATES = {"CreateOrderFunction"}
# They remove the address, which IAM cannot distinguish from writing one.
ERASERS = {"EraseRecipientFunction", "ApplyRetentionFunction"}


@pytest.mark.parametrize(
    ("table", "attribute", "by"),
    [
        ("OrdersTable", "userId", CREATES),
        ("OrdersTable", "tenantId", CREATES),
        ("OrdersTable", "protection", CREATES),
        ("OrdersTable", "passcodeHash", CREATES),
        ("OrdersTable", "hashSalt", {*CREATES, *ERASERS}),
        ("OrdersTable", "customerEmail", {*CREATES, *ERASERS, "ResendEmailFunction"}),
        ("OrdersTable", "linkHash", MAILERS),
        ("OrdersTable", "shredAfterDays", {"ManageClientFunction"}),
        ("OrdersTable", "eraseAfterDays", {"ManageClientFunction"}),
        ("AccessLinksTable", "usedAt", {"RedeemClaimFunction", "RedeemDownloadFunction"}),
    ],
)
def test_i11_what_decides_who_sees_cards_is_written_by_few(table, attribute, by):
    assert writers(table, attribute) == by


def test_i11_no_role_may_both_make_a_link_and_use_it():
    assert writers("AccessLinksTable", "orderId") >= MAILERS
    assert not writers("AccessLinksTable", "orderId") & writers("AccessLinksTable", "usedAt")


def test_i11_no_role_may_delete_from_the_ledger():
    """A number's record alone, and the one role that moves it to another key."""
    numbers_alone = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["NUMBER#*"]}}
    deleting = {
        name: statement.get("Condition")
        for name in NAMES
        for statement in statements(name)
        if "GiftCardsTable" in str(statement["Resource"])
        and "dynamodb:DeleteItem" in statement["Action"]
    }
    assert deleting == {"RotateGiftCardKeysFunction": numbers_alone}


def test_i11_who_merely_shows_gift_cards_cannot_know_security_codes():
    knowers = {name for name in NAMES if "SecurityCodeSecret" in str(statements(name))}
    rotating = "RotateGiftCardKeysFunction"
    checking = {"IssueGiftCardsFunction", "LoadGiftCardFunction", "CheckBalanceFunction"}
    assert knowers == {*checking, rotating}


def test_i11_one_role_may_change_the_keys_of_gift_cards():
    for secret in ("CardNumberSecret", "SecurityCodeSecret"):
        writing = {
            name
            for name in NAMES
            for statement in statements(name)
            if secret in str(statement["Resource"])
            and set(statement["Action"]) - {"secretsmanager:GetSecretValue"}
        }
        assert writing == {"RotateGiftCardKeysFunction"}


def test_the_audit_trail_is_append_only_for_every_role():
    for name in NAMES:
        for statement in statements(name):
            if "AuditTrailTable" in str(statement["Resource"]):
                chains = {"GetItem", "DeleteItem"} if name == "ChainAuditEventsFunction" else set()
                streams = {"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}
                anchors = {
                    "AnchorLedgerFunction": {"GetItem"},
                    "VerifyLedgerFunction": {"GetItem"},
                }
                may = {"PutItem", "Query"} | chains | (streams if chains else set())
                may |= anchors.get(name, set())
                assert {action.partition(":")[2] for action in statement["Action"]} <= may


def named_attributes(statement):
    conditions = statement.get("Condition", {})
    named = conditions.get("ForAllValues:StringEquals", {}).get("dynamodb:Attributes")
    refused = conditions.get("ForAllValues:StringNotEquals", {}).get("dynamodb:Attributes", [])
    return set(named or {"userId", "clientId"} - set(refused))


def test_i11_only_who_has_a_caller_may_name_one_in_an_event():
    with_token = {name for name, route in routes() if "AuthorizationScopes" in route["Auth"]}
    tellers = 0
    for name in set(NAMES) - with_token - {"ChainAuditEventsFunction"}:
        for statement in statements(name):
            puts = "dynamodb:PutItem" in statement["Action"]
            if puts and "AuditTrailTable" in str(statement["Resource"]):
                tellers += 1
                assert not {"userId", "clientId"} & named_attributes(statement), name
    assert tellers >= 12


def test_i11_who_spends_from_gift_cards_may_not_do_what_staff_does():
    written = set()
    for statement in statements("RedeemGiftCardFunction"):
        if {"dynamodb:PutItem", "dynamodb:UpdateItem"} & set(statement["Action"]):
            written |= named_attributes(statement)
    staffs = {"suspendedAt", "voidedAt", "expiresAt", "customerId", "codeMac", "numberedCardId"}
    assert "holds" in written
    assert not staffs & written


def routes():
    for name in NAMES:
        for event in FUNCTIONS[name]["Properties"].get("Events", {}).values():
            if event["Type"] == "HttpApi":
                yield name, event["Properties"]


def test_every_route_needs_a_scope_or_is_open_on_purpose():
    open_routes = set()
    for _, route in routes():
        scopes = route["Auth"].get("AuthorizationScopes")
        if scopes is None:
            assert route["Auth"]["Authorizer"] == "NONE"
            open_routes.add(route_key(route))
        else:
            assert set(scopes) <= set(SCOPES)
    assert open_routes == {
        "POST /v2/token",
        "GET /api/download/{token}",
        "$default",
        "GET /claim",
        "HEAD /claim",
        "POST /api/claims/open",
        "POST /api/claims/code",
        "POST /api/claims/redeem",
        "POST /api/claims/cards",
        "POST /api/claims/downloads",
        "POST /api/claims/renew",
        "POST /v2/giftcards/programs/{programId}/balance-check",
    }


def invoked_by(name):
    """The decorator that a function must have, as the template and the workflow invoke it."""
    events = {event["Type"] for event in FUNCTIONS[name]["Properties"].get("Events", {}).values()}
    integrations = str(resources("AWS::ApiGatewayV2::Integration"))
    if events == {"HttpApi"} or f"{name}.Alias" in integrations:
        return "endpoint"
    mappings = resources("AWS::Lambda::EventSourceMapping").values()
    if events or {"Ref": name} in [one["Properties"]["FunctionName"] for one in mappings]:
        return "event_consumer"
    if any(
        "ServiceToken" in resource["Properties"] and name in str(resource["Properties"])
        for resource in template()["Resources"].values()
    ):
        return "custom_resource"
    steps = {state["Parameters"]["FunctionName"] for state in tasks().values()}
    return "workflow_step" if name in steps else "operator_action"


@pytest.mark.parametrize("name", NAMES)
def test_a_function_says_who_invokes_it(name):
    # It decides which failures are counted for the alarm.
    path = ROOT / FUNCTIONS[name]["Properties"]["CodeUri"] / "app.py"
    (handler,) = [
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "handler"
    ]
    (used,) = handler.decorator_list
    decorator = used.func if isinstance(used, ast.Call) else used
    assert ast.unparse(decorator) == invoked_by(name)


def test_the_downloads_bucket_refuses_what_it_should():
    bucket = template()["Resources"]["DownloadsBucket"]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert "VersioningConfiguration" not in bucket  # a version would outlive its deletion
    policy = template()["Resources"]["DownloadsBucketPolicy"]["Properties"]["PolicyDocument"]
    refused = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert refused.keys() == {"RefusePlainHttp", "RefuseOtherKeys", "RefuseOldSignatures"}
    assert {statement["Effect"] for statement in refused.values()} == {"Deny"}
    age = refused["RefuseOldSignatures"]["Condition"]["NumericGreaterThan"]["s3:signatureAge"]
    assert age == 60_000
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 1


def test_wrapped_keys_have_no_backup_and_everything_else_has():
    shredded = {"DataKeysTable", "CodeMarksTable"}
    for name, table in resources("AWS::DynamoDB::Table").items():
        properties = table["Properties"]
        recovery = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert recovery == (name not in shredded)
        assert ("StreamSpecification" in properties) == (
            name in {"AuditTrailTable", "GiftCardsTable"}
        )
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        assert properties["DeletionProtectionEnabled"] is True


def test_functions_run_on_the_runtime_that_is_promised():
    shared = template()["Globals"]["Function"]
    assert (shared["Runtime"], shared["Architectures"]) == ("python3.13", ["arm64"])
    assert shared["Tracing"] == "Active"
