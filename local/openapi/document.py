"""The document: the base, with everything filled in that the code knows.

The base holds the prose, the answers and their examples. It points to the code by these names:

* `x-check: module:name`: a request body, as its check has it; what stands beside is laid over
* `x-field: module:NAME`: a component that is a field; bodies refer to it
* `x-enum: module:Name`: the values of an enum
* `x-events: {case: summary}`: request examples, the bodies of events/
* `x-answers: {status, codes}`: a shared response, for every route that answers just these codes
* `x-links: {parameter: expression}`: an answer, which then leads to every operation whose path has
  just these parameters (OpenAPI 3.1, Link Object)
* `x-calls-aws: false`: a function that cannot meet AWS_UNAVAILABLE

From the handlers come the errors of each operation, the list of all codes (ErrorCode) and the
schemas of query parameters.
"""

import json
import re
import sys
import tomllib
from collections.abc import Mapping
from typing import Any

import yaml

from cardvault.errors import AwsUnavailable, NotFound
from cardvault.http.endpoint import status_and_code
from local.openapi import functions, responses
from local.openapi.functions import Function
from local.openapi.schemas import Schema, as_told, laid_over, named
from local.stack.build import ROOT

BASE = ROOT / "docs/openapi.base.yaml"
METHODS = ("get", "head", "put", "post", "delete", "patch")

Part = dict[str, Any]
Shared = dict[tuple[int, responses.Codes], str]


def document() -> Part:
    """docs/openapi.yaml as data."""
    told: Part = yaml.safe_load(BASE.read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told["info"]["version"] = project["version"]
    served = functions.by_route()
    schemas = told["components"]["schemas"]
    schemas["ErrorCode"]["enum"] = _codes(served)
    fields = {name: named(part["x-field"]) for name, part in schemas.items() if "x-field" in part}
    told["components"]["schemas"] = _filled(schemas, fields)
    shared = _shared_responses(told["components"]["responses"])
    for path, item in told["paths"].items():
        for method in filter(item.__contains__, METHODS):
            route = f"{method.upper()} {path}"
            if route not in served:
                sys.exit(f"{route} is not deployed")
            _fill_parameters(item[method], route, served[route])
            _fill_bodies(item[method], served[route], fields)
            _fill_responses(item[method], route, served[route], shared)
    _fill_links(told["paths"])
    return told


def _codes(served: Mapping[str, Function]) -> list[str]:
    """Every code that a route answers, and that of what no route has."""
    declared = ((route, error) for route in served for error in served[route].errors(route))
    return sorted({NotFound.code, *(status_and_code(error, route)[1] for route, error in declared)})


def _filled(part: Any, fields: dict[str, Schema]) -> Any:
    """The part, with every schema that points to the code filled in."""
    if isinstance(part, list):
        return [_filled(item, fields) for item in part]
    if not isinstance(part, dict):
        return part
    said = {name: _filled(item, fields) for name, item in part.items()}
    if "x-enum" in said:
        said["enum"] = [str(item) for item in named(said.pop("x-enum"))]
    if "x-field" in said:
        field = named(said.pop("x-field"))
        said = laid_over(as_told(field, fields), said)
    if "x-check" in said:
        check = named(said.pop("x-check"))
        said = laid_over(as_told(check.schema, fields), said)
    return said


def _shared_responses(components: Part) -> Shared:
    """The names of the shared responses; the components themselves are filled in."""
    found = {}
    for name, prose in components.items():
        answers = prose.pop("x-answers")
        status, codes = answers["status"], frozenset(answers["codes"])
        found[status, codes] = name
        components[name] = responses.error_response(prose, status, codes)
    return found


def _fill_parameters(operation: Part, route: str, function: Function) -> None:
    declared = function.parameters(route)
    told = [one for one in operation.get("parameters", []) if one.get("in") == "query"]
    if declared.keys() != {one["name"] for one in told}:
        sys.exit(f"openapi.base.yaml has other query parameters for {route} than its function")
    for parameter in told:
        parameter.setdefault("schema", declared[parameter["name"]])


def _fill_bodies(operation: Part, function: Function, fields: dict[str, Schema]) -> None:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        media["schema"] = _filled(media["schema"], fields)
        if "x-events" in media:
            media["examples"] = _examples(function.folder, media.pop("x-events"))


def _fill_responses(operation: Part, route: str, function: Function, shared: Shared) -> None:
    answers = operation["responses"]
    for status, answer in answers.items():
        if int(status) < 400 or "headers" in answer:
            of_its_own = answer.get("headers", responses.GUARDED)
            answer["headers"] = {**of_its_own, **responses.REQUEST_ID}
    errors = function.errors(route)
    if not operation.pop("x-calls-aws", True):
        errors = errors - {AwsUnavailable}
    token = any("accessToken" in way for way in operation["security"])
    for status, codes in responses.codes_by_status(errors, route, token=token).items():
        if str(status) in answers:
            answers[str(status)] = responses.error_response(answers[str(status)], status, codes)
        elif (status, codes) in shared:
            name = shared[status, codes]
            answers[str(status)] = {"$ref": f"#/components/responses/{name}"}
        else:
            listed = ", ".join(sorted(codes))
            sys.exit(f"{BASE.name} has no response for {route}, {status} [{listed}]")
    operation["responses"] = dict(sorted(answers.items()))


def _fill_links(paths: Part) -> None:
    for item in paths.values():
        for method in filter(item.__contains__, METHODS):
            for answer in item[method]["responses"].values():
                if given := answer.pop("x-links", None):
                    answer["links"] = _links(paths, given)


def _links(paths: Part, given: dict[str, str]) -> Part:
    """A link to each operation whose path has just the given parameters."""
    return {
        item[method]["operationId"]: {
            "operationId": item[method]["operationId"],
            "parameters": dict(given),
        }
        for path, item in paths.items()
        if set(re.findall(r"\{(\w+)\}", path)) == given.keys()
        for method in filter(item.__contains__, METHODS)
    }


def _examples(folder: str, cases: dict[str, str | None]) -> Part:
    found = {}
    for case, summary in cases.items():
        event = json.loads((ROOT / "events" / folder / f"{case}.json").read_text())
        said = {"summary": summary} if summary else {}
        found[case] = {**said, "value": json.loads(event["body"])}
    return found
