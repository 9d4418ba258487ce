"""What an import of retained resources into a new stack takes, as docs/restoring.md says.

    python -m local.retained < resources.txt

reads a line for each resource, `type <tab> logical id <tab> physical id`, as
`aws cloudformation list-stack-resources` prints them, and writes two files: retained.json, the
template cut down to the resources that hold something, and resources-to-import.json, which says
what each of them is.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.stack.build import ROOT

# What a resource that holds something is known by: the type's primary identifier.
IDENTIFIERS = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::KMS::Key": "KeyId",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SecretsManager::Secret": "Id",
}


def to_import(lines: Iterable[str], template: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of the list that the template would keep, as CreateChangeSet takes them."""
    resources = [line.rstrip("\n").split("\t") for line in lines]
    return [
        {
            "ResourceType": kind,
            "LogicalResourceId": name,
            "ResourceIdentifier": {IDENTIFIERS[kind]: physical_id},
        }
        for kind, name, physical_id in resources
        if kind in IDENTIFIERS and template["Resources"].get(name, {}).get("Type") == kind
    ]


def cut_down(template: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The template with these resources alone. An import may bring nothing else along."""
    kept = {name: template["Resources"][name] for name in names}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": kept}


def main() -> int:
    """The command."""
    template = yaml_parse((ROOT / "template.yaml").read_text())
    resources = to_import(sys.stdin, template)
    kept = cut_down(template, [resource["LogicalResourceId"] for resource in resources])
    Path("retained.json").write_text(json.dumps(kept, indent=1))
    Path("resources-to-import.json").write_text(json.dumps(resources, indent=1))
    sys.stdout.write(f"{len(resources)} resources to import\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
