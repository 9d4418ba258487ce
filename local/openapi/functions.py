"""The functions behind the HTTP API: their routes, and what their modules declare."""

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any
from unittest import mock

from samtranslator.yaml_helper import yaml_parse

from cardvault.errors import CardvaultError
from cardvault.identity.signing import SigningKey
from local.stack.build import ROOT

Schema = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """A function's module, and its folder below functions/ and events/."""

    module: ModuleType
    folder: str

    def errors(self, route: str) -> set[type[CardvaultError]]:
        """The errors that its handler declares for a route."""
        found: set[type[CardvaultError]] = self.module.handler.raises(route)
        return found

    def parameters(self, route: str) -> dict[str, Schema]:
        """The schema of each query parameter that its handler declares for a route."""
        declared = self.module.handler.query(route) or ()
        return {parameter.name: parameter.schema for parameter in declared}


def by_route() -> dict[str, Function]:
    """`GET /api/orders` -> the function that serves it."""
    with _environment():
        loaded = {folder: _load(folder) for folder in sorted(set(routes().values()))}
    return {route: loaded[folder] for route, folder in routes().items()}


@cache
def routes() -> dict[str, str]:
    """`GET /api/orders` -> the folder of the function that serves it, from the template."""
    found = {}
    for item in _resources().values():
        properties = item.get("Properties", {})
        if item["Type"] == "AWS::Serverless::Function":
            for event in properties.get("Events", {}).values():
                route = event["Properties"]
                if event["Type"] == "HttpApi" and "Path" in route:
                    found[f"{route['Method']} {route['Path']}"] = properties["CodeUri"]
        if item["Type"] == "AWS::ApiGatewayV2::Route":
            (name,) = re.findall(r"\{(\w+)\}", properties["Target"]["Fn::Sub"])
            alias = _resources()[name]["Properties"]["IntegrationUri"]["Ref"]
            function = _resources()[alias.removesuffix(".Alias")]["Properties"]
            found[properties["RouteKey"]] = function["CodeUri"]
    return found


@cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]
    return resources


@contextmanager
def _environment() -> Iterator[None]:
    """Every variable of every function, of no stack, and a signing key without a call of KMS."""
    declared = [
        item["Properties"].get("Environment", {}).get("Variables", {})
        for item in _resources().values()
        if item["Type"] == "AWS::Serverless::Function"
    ]
    values = {name: "60" for variables in declared for name in variables}
    region = {"AWS_DEFAULT_REGION": "eu-west-1", "POWERTOOLS_SERVICE_NAME": "openapi"}
    key = mock.patch.object(SigningKey, "read", return_value=mock.MagicMock(jwk={}))
    with mock.patch.dict(os.environ, {**values, **region}), key:
        yield


def _load(folder: str) -> Function:
    name = folder.removeprefix("functions/")
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / "app.py")
    if spec is None or spec.loader is None:
        sys.exit(f"{folder}/app.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Function(module, name)
