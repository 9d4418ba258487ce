"""docs/restoring.md tells of the template as it is."""

import json
import re

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from local.retained import IDENTIFIERS, cut_down, to_import
from tests.support.template import ROOT, resources, template

PAGE = (ROOT / "docs/restoring.md").read_text()
TABLES = resources("AWS::DynamoDB::Table")
HOLDING = {
    name: item for name, item in template()["Resources"].items() if item["Type"] in IDENTIFIERS
}

# What a restored table has of its source's settings, and what must be set up again.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/pointintimerecovery_restores.html
COMES_ALONG = {
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "BillingMode",
    "SSESpecification",
}
KEEPS = {"Retain", "RetainExceptOnCreate"}


def rows(heading):
    """The rows of the first table below that text, each a list of cells."""
    below = PAGE[PAGE.index(heading) :]
    table = re.search(r"^\|.*?(?=\n\n)", below, re.MULTILINE | re.DOTALL)
    return [line.strip("|").split("|") for line in table[0].splitlines()[2:]]


def named(cell):
    return set(re.findall(r"`(\w+)`", cell))


# --- what must be switched on again ---


def test_every_setting_that_does_not_come_along_is_on_the_list_for_its_tables():
    told = {}
    for setting, tables in rows("### 5. What must be switched on again"):
        (name,) = named(setting)
        told[name] = named(tables)
    wanted = {}
    for logical_id, table in TABLES.items():
        if logical_id in {"DataKeysTable", "CodeMarksTable"}:
            continue
        for setting in table["Properties"].keys() - COMES_ALONG:
            wanted.setdefault(setting, set()).add(logical_id)
    assert told == wanted


def test_every_time_to_live_is_named_with_its_attribute():
    commands = dict(re.findall(r"^    (\w+)\) attribute=(\w+) ;;$", PAGE, re.MULTILINE))
    assert commands == {
        name: table["Properties"]["TimeToLiveSpecification"]["AttributeName"]
        for name, table in TABLES.items()
        if "TimeToLiveSpecification" in table["Properties"]
    }


def test_the_table_of_links_is_made_anew_as_the_template_has_it():
    properties = TABLES["AccessLinksTable"]["Properties"]
    assert properties["KeySchema"] == [{"AttributeName": "tokenHash", "KeyType": "HASH"}]
    assert properties["AttributeDefinitions"] == [
        {"AttributeName": "tokenHash", "AttributeType": "S"}
    ]
    assert "GlobalSecondaryIndexes" not in properties
    assert f"--billing-mode {properties['BillingMode']}" in PAGE


def test_every_table_is_said_to_go_back_or_not():
    told = set().union(*(named(row[0]) for row in rows("## What belongs together")))
    assert told == set(TABLES)
    for row in rows("## What belongs together"):
        never = {"DataKeysTable", "CodeMarksTable", "AccessLinksTable"}
        assert ("never" in row[1]) == bool(named(row[0]) & never)


# --- what a new stack takes over ---


def test_everything_that_holds_something_is_imported_by_its_identifier():
    told = {}
    for first, second, third in rows("What is imported, and what identifies it"):
        kind = first.strip(" `")
        assert named(second) == {IDENTIFIERS[kind]}
        told |= dict.fromkeys(named(third), kind)
    assert told == {name: item["Type"] for name, item in HOLDING.items()}
    everything = template()["Resources"].items()
    kept = {name for name, item in everything if item.get("DeletionPolicy") in KEEPS}
    assert set(told) == kept, "what is kept can be imported, and nothing else is"


@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_the_identifier_is_the_one_of_the_type(kind):
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-west-1", kind).schema
    assert schema["primaryIdentifier"] == [f"/properties/{IDENTIFIERS[kind]}"]


@pytest.mark.parametrize("name", HOLDING)
def test_what_is_imported_has_a_deletion_policy_that_keeps_it(name):
    assert HOLDING[name]["DeletionPolicy"] in KEEPS
    assert HOLDING[name]["UpdateReplacePolicy"] == "Retain"


def test_what_is_imported_leans_on_nothing_that_is_not():
    kept = cut_down(template(), HOLDING)
    pseudo = {"AWS::Partition", "AWS::AccountId", "AWS::Region", "AWS::StackName"}
    text = json.dumps(kept["Resources"])
    assert set(re.findall(r'"Ref": "([\w:]+)"', text)) <= set(HOLDING) | pseudo
    assert set(re.findall(r'"Fn::GetAtt": \["(\w+)"', text)) <= set(HOLDING)
    assert set(re.findall(r"\$\{([\w:]+)", text)) <= pseudo
    assert kept.keys() == {"AWSTemplateFormatVersion", "Resources"}
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert len(json.dumps(kept, indent=1)) <= 51_200


def test_only_what_holds_something_is_taken_from_the_list():
    lines = [
        "AWS::DynamoDB::Table\tOrdersTable\told-OrdersTable-1\n",
        "AWS::Lambda::Function\tGetOrderFunction\told-GetOrder-1\n",
        "AWS::DynamoDB::Table\tForgottenTable\told-ForgottenTable-1\n",
        "AWS::SecretsManager::Secret\tSupplierSecret\tarn:aws:secretsmanager:x\n",
    ]
    assert to_import(lines, template()) == [
        {
            "ResourceType": "AWS::DynamoDB::Table",
            "LogicalResourceId": "OrdersTable",
            "ResourceIdentifier": {"TableName": "old-OrdersTable-1"},
        },
        {
            "ResourceType": "AWS::SecretsManager::Secret",
            "LogicalResourceId": "SupplierSecret",
            "ResourceIdentifier": {"Id": "arn:aws:secretsmanager:x"},
        },
    ]
