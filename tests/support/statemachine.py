"""The workflow's definition as it is deployed, with its substitutions made."""

import json
import re
from typing import Any

from tests.support.template import ROOT, resources, template


def definition(**parameters: int) -> dict[str, Any]:
    """A function's logical id in place of its ARN, and the parameters' numbers; 7 where none is."""
    (machine,) = resources("AWS::Serverless::StateMachine").values()
    substitutions = machine["Properties"]["DefinitionSubstitutions"]
    text = (ROOT / machine["Properties"]["DefinitionUri"]).read_text()
    for name, value in substitutions.items():
        text = text.replace(f"${{{name}}}", _stand_in(value, parameters))
    assert not re.findall(r"\$\{[^}]*\}", text), "every placeholder has a substitution"
    machine_as_deployed: dict[str, Any] = json.loads(text)
    return machine_as_deployed


def parameters_at(bound: str) -> dict[str, float]:
    """The workflow's parameters at their `Default`, `MinValue` or `MaxValue`."""
    (machine,) = resources("AWS::Serverless::StateMachine").values()
    used = {value.get("Ref") for value in machine["Properties"]["DefinitionSubstitutions"].values()}
    declared = template()["Parameters"]
    return {name: declared[name][bound] for name in sorted(used & set(declared))}


def _stand_in(value: dict[str, Any], parameters: dict[str, int]) -> str:
    if "Ref" in value:
        return "aws" if value["Ref"] == "AWS::Partition" else str(parameters.get(value["Ref"], 7))
    return str(value["Fn::GetAtt"][0])


def tasks(**parameters: int) -> dict[str, dict[str, Any]]:
    """The states that invoke a function."""
    states = definition(**parameters)["States"]
    return {name: state for name, state in states.items() if state["Type"] == "Task"}
