"""The real template.yaml, read as data, so that tests can not drift from what is deployed."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

ROOT = Path(__file__).resolve().parents[2]


@cache
def template() -> dict[str, Any]:
    return yaml_parse((ROOT / "template.yaml").read_text())


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id -> resource, of one type."""
    found = template()["Resources"]
    return {name: item for name, item in found.items() if item["Type"] == kind}


def table_definition(logical_id: str) -> dict[str, Any]:
    """What CreateTable needs of a table in the template."""
    properties = template()["Resources"][logical_id]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    return {name: properties[name] for name in wanted if name in properties}


def translated(code: str = "1", layer: str = "1", source: Any = None) -> dict[str, Any]:
    """The template as CloudFormation gets it, after SAM's transform of a build so named."""
    built = copy.deepcopy(source or template())
    places = {
        "AWS::Serverless::Function": ("CodeUri", code),
        "AWS::Serverless::LayerVersion": ("ContentUri", layer),
        "AWS::Serverless::StateMachine": ("DefinitionUri", "1"),
    }
    for name, resource in built["Resources"].items():
        if resource["Type"] in places:
            field, build = places[resource["Type"]]
            resource["Properties"][field] = {"Bucket": "b", "Key": f"{name}-{build}"}
    session = boto3.Session(region_name="eu-west-1")
    return dict(Translator({}, Parser(), boto_session=session).translate(built, {}))
