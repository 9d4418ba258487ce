"""A deploy reaches the functions behind the API: what is published changes with what is built."""

import copy

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support.template import template


def versions(code="1", layer="1"):
    """Logical ids of the Lambda versions that a deploy of this build would publish."""
    built = copy.deepcopy(template())
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
    translated = Translator({}, Parser(), boto_session=session).translate(built, {})
    return {
        name
        for name, resource in translated["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Version"
    }


@pytest.mark.parametrize("changed", [{"code": "2"}, {"layer": "2"}])
def test_new_code_and_new_layers_make_new_versions(changed):
    before, after = versions(), versions(**changed)
    assert len(before) == len(after) > 0
    assert not before & after
