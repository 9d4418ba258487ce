"""`aws`, as far as our documents use it: the real commands against an emulator, without the CLI.

    aws SERVICE OPERATION --option value … [--query JMESPATH] [--output text|json] [OUTFILE]

Operations, options and shapes come from botocore's own models, so a command that the AWS CLI does
not know is refused here as well. `AWS_ENDPOINT_URL` says where. Moto knows no filter patterns for
JSON, so a log's lines are filtered here:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import json
import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import jmespath
from botocore import xform_name
from botocore.config import Config


def main(words: Sequence[str]) -> None:
    service, operation, *options = words
    make_client: Any = boto3.client  # by a name that is not a literal
    client = make_client(service, config=Config(inject_host_prefix=False))
    if operation == "wait":
        waiter = client.get_waiter(options[0].replace("-", "_"))
        quick = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 60}}
        wanted, _, _ = parse(options[1:], shape_of(client, waiter.config.operation))
        waiter.wait(**wanted, **quick)
        return
    method = operation.replace("-", "_")
    name = client.meta.method_to_api_mapping[method]
    wanted, told, outfile = parse(options, shape_of(client, name))
    pattern = wanted.pop("filterPattern", "")
    if client.can_paginate(method):
        most = {"MaxItems": int(told["max-items"])} if "max-items" in told else {}
        pages = client.get_paginator(method).paginate(**wanted, PaginationConfig=most)
        answer = pages.build_full_result()
    else:
        answer = getattr(client, method)(**wanted)
        answer.pop("ResponseMetadata", None)
    if pattern:
        answer["events"] = [event for event in answer["events"] if fits(event["message"], pattern)]
    if outfile:
        Path(outfile).write_bytes(answer.pop("Payload").read())
    show(answer, told)


def fits(message: str, pattern: str) -> bool:
    """Whether a line has all the fields of a pattern such as `{ $.a = "4*" && $.b = "x" }`."""
    try:
        line = json.loads(message)
    except ValueError:
        return False
    terms = re.findall(r'\$\.(\w+) = "([^"]*)"', pattern)
    whole = " && ".join(f'$.{name} = "{value}"' for name, value in terms)
    assert pattern == f"{{ {whole} }}", "a pattern that is not read here"
    return all(name in line and fnmatchcase(str(line[name]), value) for name, value in terms)


def shape_of(client: Any, operation: str) -> Any:
    return client.meta.service_model.operation_model(operation).input_shape


def parse(options: Sequence[str], shape: Any) -> tuple[dict[str, Any], dict[str, str], str | None]:
    """The request, the CLI's own options, and the file for a streamed answer."""
    members = {xform_name(name, "-"): (name, member) for name, member in shape.members.items()}
    wanted: dict[str, Any] = {}
    told: dict[str, str] = {}
    outfile, rest = None, list(options)
    while rest:
        word = rest.pop(0)
        name = word.removeprefix("--")
        if not word.startswith("--"):
            assert outfile is None, f"{word} belongs to no option"
            outfile = word
        elif name in {"query", "output", "max-items"}:
            told[name] = rest.pop(0)
        elif name.startswith("no-") and name.removeprefix("no-") in members:
            wanted[members[name.removeprefix("no-")][0]] = False
        else:
            member, kind = members[name]
            values: list[str] = []
            while kind.type_name != "boolean" and rest and not rest[0].startswith("--"):
                values.append(rest.pop(0))
                if kind.type_name != "list":
                    break
            wanted[member] = value_of(values, kind)
    return wanted, told, outfile


def value_of(values: Sequence[str], kind: Any) -> Any:
    if kind.type_name == "boolean":
        return values in ([], ["true"])
    text = values[0]
    if kind.type_name == "blob":
        assert text.startswith("fileb://"), "a blob comes from fileb://, or the versions differ"
        return Path(text.removeprefix("fileb://")).read_bytes()
    if text.startswith("file://"):
        text = Path(text.removeprefix("file://")).read_text()
    if kind.type_name in {"structure", "map", "list"} and text[:1] in "[{":
        return json.loads(text)
    if kind.type_name == "list":
        return [value_of([value], kind.member) for value in values]
    if kind.type_name == "structure":
        parts = dict(part.split("=", 1) for part in text.split(","))
        return {name: value_of([part], kind.members[name]) for name, part in parts.items()}
    if kind.type_name in {"integer", "long"}:
        return int(text)
    return float(text) if kind.type_name == "double" else text


def show(answer: Any, told: dict[str, str]) -> None:
    found = jmespath.search(told["query"], answer) if "query" in told else answer
    if told.get("output") == "text":
        lines = found if isinstance(found, list) else [found]
        if not any(isinstance(line, list) for line in lines):
            lines = [lines] if lines else []
        for line in lines:
            sys.stdout.write("\t".join(map(str, line)) + "\n")
    else:
        sys.stdout.write(json.dumps(found, indent=4, default=str) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
