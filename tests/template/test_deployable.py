"""The stack deploys twice in one account, again and again, and leaves nothing that is paid for.

Each check is a function over a template, and falls on a template that is broken on purpose.
"""

import itertools
import re
import tomllib

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.support.expanded import deployed, expand, expanded, of_type, source
from tests.support.template import ROOT, resources, template

# Where a person or API Gateway waits for the answer: what is open to anyone (claim page, token,
# balance), codes to be shown, and a card in hand at a till. Other scopes are for programs.
SOMEONE_WAITS = {None, "cards:reveal", "giftcards:read", "giftcards:load", "giftcards:redeem"}


# --- names ---


def identity(kind):
    """Which properties tell one resource of that type from another; Custom:: types have none."""
    if kind.startswith("Custom::"):
        return set()
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = {
        *schema.get("primaryIdentifier", []),
        *itertools.chain(*schema.get("additionalIdentifiers", [])),
        *schema.get("createOnlyProperties", []),
    }
    return {path.removeprefix("/properties/") for path in paths}


def names_taken_twice(expansion):
    """Resources whose name would be the same in a second stack of the account and region."""
    first, second = (deployed(expansion, stack) for stack in ("cardvault-dev", "cardvault"))
    found = []
    for logical_id, resource in first.items():
        properties = resource.get("Properties", {})
        telling = identity(resource["Type"]) & properties.keys()
        named = any(name.endswith(("Name", "Identifier")) for name in telling)
        others = second[logical_id]["Properties"] if named else {}
        if named and all(properties[name] == others[name] for name in telling):
            found.append(logical_id)
    return found


def test_two_stacks_in_one_account_share_no_name():
    assert names_taken_twice(expanded()) == []


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::Scheduler::Schedule", {"Name": "every-minute"}),
        ("AWS::DynamoDB::Table", {"TableName": "orders"}),
        ("AWS::SQS::Queue", {"QueueName": "lost-events"}),
        ("AWS::IAM::Role", {"RoleName": "sweeper"}),
        ("AWS::CloudWatch::Alarm", {"AlarmName": {"Fn::Sub": "alarm-${AWS::Region}"}}),
        ("AWS::Lambda::Function", {"FunctionName": {"Ref": "ShopName"}}),
        ("AWS::Logs::LogGroup", {"LogGroupName": "/aws/lambda/sweeper"}),
        ("AWS::Events::Rule", {"Name": "bounces"}),
        ("AWS::SSM::Parameter", {"Name": "/cardvault/public-url"}),
        ("AWS::S3::Bucket", {"BucketName": {"Fn::Sub": "files-${AWS::AccountId}"}}),
        ("AWS::SecretsManager::Secret", {"Name": "supplier"}),
        ("AWS::SES::ConfigurationSet", {"Name": "mail"}),
        ("AWS::KMS::Alias", {"AliasName": "alias/cards"}),
    ],
)
def test_a_literal_name_of_any_kind_is_found(kind, properties):
    expansion = expand(source())
    expansion["Resources"]["Named"] = {"Type": kind, "Properties": properties}
    assert names_taken_twice(expansion) == ["Named"]


def test_a_name_that_sam_makes_up_is_found():
    changed = source()
    sweep = changed["Resources"]["SweepDownloadsFunction"]["Properties"]
    del sweep["Events"]["EveryMinute"]["Properties"]["OmitName"]
    assert names_taken_twice(expand(changed)) == ["SweepDownloadsFunctionEveryMinute"]


# --- what an update leaves behind ---


def kept_for_ever(expansion):
    """Published versions, of functions and layers, that outlive the update that replaces them."""
    versions = {
        **of_type("AWS::Lambda::Version", expansion),
        **of_type("AWS::Lambda::LayerVersion", expansion),
    }
    assert versions
    return [name for name, version in versions.items() if version.get("DeletionPolicy") != "Delete"]


def test_old_versions_and_layers_go_with_the_update():
    assert kept_for_ever(expanded()) == []


@pytest.mark.parametrize("name", ["RevealCardsFunction", "CardvaultLayer"])
def test_a_version_that_would_be_kept_is_found(name):
    changed = source()
    changed["Resources"][name].pop("DeletionPolicy", None)
    changed["Resources"][name]["Properties"].pop("RetentionPolicy", None)
    (found,) = kept_for_ever(expand(changed))
    assert found.startswith(name)


# --- snapshots, paid for by the hour ---


def awaited(parsed):
    """The functions somebody waits for: by the scopes of their routes, or since the issuer's."""
    found = set()
    for name, resource in parsed["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::ApiGatewayV2::Integration":
            found.add(properties["IntegrationUri"]["Ref"].removesuffix(".Alias"))
        for event in properties.get("Events", {}).values():
            if event["Type"] == "HttpApi":
                scopes = event["Properties"]["Auth"].get("AuthorizationScopes", [None])
                found |= {name} if SOMEONE_WAITS & set(scopes) else set()
    return found


def with_snapshots(parsed):
    functions = parsed["Resources"].items()
    return {name for name, one in functions if "SnapStart" in one.get("Properties", {})}


def published(parsed):
    functions = parsed["Resources"].items()
    return {name for name, one in functions if "AutoPublishAlias" in one.get("Properties", {})}


def test_snapshots_stand_where_somebody_waits_and_nowhere_else():
    assert with_snapshots(template()) == awaited(template())
    for name in with_snapshots(template()):
        snap = template()["Resources"][name]["Properties"]["SnapStart"]
        assert snap == {"ApplyOn": "PublishedVersions"}


def test_a_function_without_a_snapshot_publishes_no_version():
    # It runs as $LATEST, whose environment is never an older deployment's.
    assert published(template()) == with_snapshots(template())
    assert not {"AutoPublishAlias", "SnapStart"} & template()["Globals"]["Function"].keys()


def test_the_rule_of_snapshots_tells_programs_from_people():
    changed = source()
    functions = changed["Resources"]
    routes = functions["RevealCardsFunction"]["Properties"]["Events"]["Api"]["Properties"]
    routes["Auth"] = {"AuthorizationScopes": ["orders:read"]}
    assert with_snapshots(changed) - awaited(changed) == {"RevealCardsFunction"}
    routes = functions["CreateOrderFunction"]["Properties"]["Events"]["Api"]["Properties"]
    routes["Auth"] = {"Authorizer": "NONE"}
    assert awaited(changed) - with_snapshots(changed) == {"CreateOrderFunction"}


# --- what a new account refuses ---


def reserving(expansion):
    functions = of_type("AWS::Lambda::Function", expansion).items()
    concurrency = {"ReservedConcurrentExecutions", "ProvisionedConcurrencyConfig"}
    aliases = of_type("AWS::Lambda::Alias", expansion).items()
    return [name for name, one in [*functions, *aliases] if concurrency & one["Properties"].keys()]


def test_no_function_reserves_concurrency():
    assert reserving(expanded()) == []


def test_a_reservation_is_found():
    changed = source()
    changed["Resources"]["SweepDownloadsFunction"]["Properties"]["ReservedConcurrentExecutions"] = 1
    assert reserving(expand(changed)) == ["SweepDownloadsFunction"]


# --- parameters ---


def unchecked(parsed):
    """Parameters of which some values would be refused by AWS only, in the middle of a deploy."""
    found = []
    for name, parameter in parsed["Parameters"].items():
        whole_range = {"MinValue", "MaxValue"} <= parameter.keys()
        bounded = whole_range if parameter["Type"] == "Number" else "AllowedPattern" in parameter
        if not bounded and "AllowedValues" not in parameter:
            found.append(name)
    return found


def takes(name, value):
    """Whether CloudFormation takes that value: a pattern has to match all of it."""
    parameter = template()["Parameters"][name]
    if "AllowedValues" in parameter:
        return value in map(str, parameter["AllowedValues"])
    if parameter["Type"] == "Number":
        return parameter["MinValue"] <= float(value) <= parameter["MaxValue"]
    return re.fullmatch(parameter["AllowedPattern"], value) is not None


def test_every_parameter_says_which_values_it_takes():
    assert unchecked(template()) == []


@pytest.mark.parametrize("name", sorted(template()["Parameters"]))
def test_a_parameter_that_takes_anything_is_found(name):
    changed = source()
    for bound in ("AllowedValues", "AllowedPattern", "MaxValue"):
        changed["Parameters"][name].pop(bound, None)
    assert unchecked(changed) == [name]


@pytest.mark.parametrize("name", sorted(template()["Parameters"]))
def test_a_parameter_takes_its_own_default(name):
    assert takes(name, str(template()["Parameters"][name]["Default"]))


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_parameters_of_each_stage_are_taken(stage):
    given = tomllib.loads((ROOT / "samconfig.toml").read_text())[stage]["deploy"]["parameters"]
    for pair in given.get("parameter_overrides", []):
        name, value = pair.split("=", 1)
        assert takes(name, value)


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("LogRetentionDays", "100", False),
        ("LogRetentionDays", "365", True),
        ("AlarmTopicArn", "alarms", False),
        ("AlarmTopicArn", "arn:aws:sns:eu-west-1:123456789012:alarms", True),
        ("AlarmTopicArn", "arn:aws-cn:sns:cn-north-1:123456789012:alarms", True),
        ("AlarmTopicArn", "arn:aws:sqs:eu-west-1:123456789012:alarms", False),
        ("IssuerUrl", "https://issuer.example.com", True),
        ("IssuerUrl", "https://issuer.example.com/", False),
        ("TokenIssuer", "https://login.example.com/realms/shop", True),
        ("TokenIssuer", "http://login.example.com", False),
        ("TokenIssuer", "login.example.com", False),
        ("PublicUrl", "https://cards.example.com/", False),
        ("StorefrontOrigins", "https://shop.example.com", True),
        ("StorefrontOrigins", "https://shop.example.com,https://shop.example.fr:8443", True),
        ("StorefrontOrigins", "https://shop.example.com/", False),
        ("StorefrontOrigins", "https://shop.example.com, https://shop.example.fr", False),
        ("StorefrontOrigins", "http://shop.example.com", False),
        ("StorefrontOrigins", "*", False),
        ("TokenAudience", "", False),
        ("TokenAudience", "card vault", False),
        ("PollMaxAttempts", "9000", False),
        ("ShopName", "", False),
        ("ShopName", "Café «Été»", True),
        ("ShopName", "two\nlines", False),
        ("MailSender", "", True),
        ("MailSender", "gift-cards@shop.example.com", True),
        ("MailSender", "Gift-Cards@shop.example.com", False),
        ("MailSender", "gift-cards", False),
        ("MailReplyTo", "Help@shop.example.com", True),
        ("MailReplyTo", "help", False),
        ("ClaimLinkHours", "0", False),
    ],
)
def test_a_bad_value_is_refused_before_anything_is_made(name, value, taken):
    assert takes(name, value) is taken


# --- logs ---


def test_no_log_group_blocks_the_next_creation_of_its_stack():
    """A line that is written late makes a function's group again, under the same name.

    A generated name is never asked for twice. Groups of a name of their own are written to by
    services that cannot make one.
    """
    named = {
        logical_id: group["Properties"]["LogGroupName"]["Fn::Sub"]
        for logical_id, group in resources("AWS::Logs::LogGroup").items()
        if "LogGroupName" in group["Properties"]
    }
    functions = {name.removesuffix("Function") for name in resources("AWS::Serverless::Function")}
    assert not {logical_id.removesuffix("Logs") for logical_id in named} & functions
    # Outside of /aws/vendedlogs/ each group takes room in a policy that the account has once.
    assert named == {
        "HttpApiLogs": "/aws/vendedlogs/apigateway/${AWS::StackName}-api",
        "IssuerApiLogs": "/aws/vendedlogs/apigateway/${AWS::StackName}-issuer",
        "FulfilmentLogs": "/aws/vendedlogs/states/${AWS::StackName}-fulfilment",
    }


def test_what_a_service_logs_to_is_under_vendedlogs():
    for stage in of_type("AWS::ApiGatewayV2::Stage").values():
        written_to = stage["Properties"]["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]
        group = template()["Resources"][written_to]["Properties"]["LogGroupName"]["Fn::Sub"]
        assert group.startswith("/aws/vendedlogs/")
