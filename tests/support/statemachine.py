"""The workflow's definition as it is deployed, with its substitutions made."""

import json
import re
from typing import Any

from tests.support.template import ROOT, resources


def definition() -> dict[str, Any]:
    """Numbers in place of parameters, a function's logical id in place of its ARN."""
    (machine,) = resources("AWS::Serverless::StateMachine").values()
    substitutions = machine["Properties"]["DefinitionSubstitutions"]
    text = (ROOT / machine["Properties"]["DefinitionUri"]).read_text()
    for name, value in substitutions.items():
        text = text.replace(f"${{{name}}}", _stand_in(value))
    assert not re.findall(r"\$\{[^}]*\}", text), "every placeholder has a substitution"
    return json.loads(text)


def _stand_in(value: dict[str, Any]) -> str:
    if "Ref" in value:
        return "aws" if value["Ref"] == "AWS::Partition" else "7"
    return value["Fn::GetAtt"][0]


def tasks() -> dict[str, dict[str, Any]]:
    return {
        name: state for name, state in definition()["States"].items() if state["Type"] == "Task"
    }
