"""template.yaml as CloudFormation gets it: expanded by SAM's own translator, without a network."""

import copy
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.support.template import template

REGION = "eu-west-1"
Template = dict[str, Any]
_PACKAGES = {
    "AWS::Serverless::Function": ("CodeUri", "code"),
    "AWS::Serverless::LayerVersion": ("ContentUri", "layer"),
    "AWS::Serverless::StateMachine": ("DefinitionUri", "workflow"),
}
_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()


def source() -> Template:
    """The parsed template.yaml, to be changed at will."""
    return copy.deepcopy(template())


def expand(parsed: Template, **builds: str) -> Template:
    """The template as SAM hands it on. `code`, `layer` and `workflow` name the builds."""
    packaged = copy.deepcopy(parsed)
    for name, resource in packaged["Resources"].items():
        if resource["Type"] in _PACKAGES:
            field, kind = _PACKAGES[resource["Type"]]
            package = {"Bucket": "b", "Key": f"{name}-{builds.get(kind, '1')}"}
            resource["Properties"][field] = package
    session = boto3.Session(region_name=REGION)
    result: Template = Translator({}, Parser(), boto_session=session).translate(packaged, {})
    return result


@cache
def expanded() -> Template:
    """The real template, expanded once a process. Change a copy, not this."""
    return expand(template())


def of_type(kind: str, among: Template | None = None) -> dict[str, dict[str, Any]]:
    """Logical id -> resource, of one type."""
    found = (among or expanded())["Resources"]
    return {name: item for name, item in found.items() if item["Type"] == kind}


def deployed(
    among: Template | None = None, stack: str = "cardvault-dev", **parameters: str
) -> dict[str, dict[str, Any]]:
    """The resources of a stack of that name, every value worked out as CloudFormation does.

    What only AWS knows, such as a generated id, is put together from the stack's name.
    """
    return _Stack(among or expanded(), stack, parameters).resources()


class _Stack:
    def __init__(self, expansion: Template, name: str, parameters: Mapping[str, str]) -> None:
        self._template, self._name = expansion, name
        defaults = {
            name: parameter.get("Default") for name, parameter in expansion["Parameters"].items()
        }
        self._known = {**_PSEUDO, "AWS::StackName": name, **defaults, **parameters}
        unknown = parameters.keys() - defaults.keys()
        if unknown:
            raise KeyError(f"no such parameters: {unknown}")

    def resources(self) -> dict[str, dict[str, Any]]:
        return {
            name: self._value(resource)
            for name, resource in self._template["Resources"].items()
            if self._holds(resource.get("Condition"))
        }

    def _holds(self, condition: str | None) -> bool:
        return condition is None or bool(self._value(self._template["Conditions"][condition]))

    def _value(self, part: Any) -> Any:
        if isinstance(part, list):
            values = [self._value(item) for item in part]
            return [value for value in values if value is not _NOTHING]
        if not isinstance(part, dict):
            return part
        if len(part) == 1:
            (name, argument) = next(iter(part.items()))
            if name in {"Ref", "Condition"} or name.startswith("Fn::"):
                return self._call(name, argument)
        pairs = {name: self._value(value) for name, value in part.items()}
        return {name: value for name, value in pairs.items() if value is not _NOTHING}

    def _call(self, name: str, argument: Any) -> Any:
        if argument == "AWS::NoValue":
            return _NOTHING
        if name == "Fn::If":
            condition, then, otherwise = argument
            return self._value(then if self._holds(condition) else otherwise)
        functions: dict[str, Callable[..., Any]] = {
            "Ref": self._named,
            "Condition": self._holds,
            "Fn::GetAtt": self._attribute,
            "Fn::Sub": self._filled,
            "Fn::Join": lambda separator, parts: str(separator).join(map(str, parts)),
            "Fn::Equals": lambda left, right: left == right,
            "Fn::Not": lambda condition: not condition,
            "Fn::And": lambda *conditions: all(conditions),
            "Fn::Or": lambda *conditions: any(conditions),
        }
        given = self._value(argument)
        return functions[name](*given if isinstance(given, list) else [given])

    def _attribute(self, *path: str) -> Any:
        return self._named(".".join(path))

    def _filled(self, text: str, values: Mapping[str, Any] | None = None) -> str:
        given = values or {}

        def fill(found: re.Match[str]) -> str:
            return str(given[found[1]] if found[1] in given else self._named(found[1]))

        return re.sub(r"\$\{([^!}]+)\}", fill, text)

    def _named(self, name: str) -> Any:
        """A parameter's value, or a text for what a resource is only known by once it is made."""
        if name in self._known:
            return self._known[name]
        resource = self._template["Resources"][name.partition(".")[0]]
        if not self._holds(resource.get("Condition")):
            raise LookupError(f"{name} is named, but is not made under these parameters")
        return f"{self._name}-{name}"
