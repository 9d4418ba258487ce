"""template.yaml as it is read: in the order of the folders, and each right written once."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml
from samcli.yamlhelper import yaml_dump, yaml_parse

from tests.support.template import ROOT, resources, template

TEXT = (ROOT / "template.yaml").read_text()
FOLDERS = ["orders", "fulfilment", "mail", "claims", "downloads", "giftcards", "identity"]
FUNCTIONS = resources("AWS::Serverless::Function")
RULER = re.compile(r"  # -{9,} (\w+)")
RESOURCE = re.compile(r"  (\w+):")


def sections(text: str) -> list[tuple[str, list[str]]]:
    """The first word of each ruler below `Resources`, with the logical ids that follow it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.split("\nResources:\n")[1].split("\nOutputs:\n", maxsplit=1)[0].splitlines():
        if ruler := RULER.match(line):
            found.append((ruler[1], []))
        elif resource := RESOURCE.match(line):
            found[-1][1].append(resource[1])
    return found


def test_the_sections_stand_in_the_order_of_the_folders():
    titles = list(dict.fromkeys(title for title, _ in sections(TEXT)))
    folders = {path.parts[-3] for path in (ROOT / "functions").glob("*/*/app.py")}
    assert sorted(FOLDERS) == sorted(folders)
    assert [title for title in titles if title in FOLDERS] == FOLDERS
    assert titles[-1] == "operations"


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_stands_in_the_section_of_its_folder_before_its_log_group(name):
    (title, ids) = next((title, ids) for title, ids in sections(TEXT) if name in ids)
    assert FUNCTIONS[name]["Properties"]["CodeUri"].split("/")[:2] == ["functions", title]
    assert ids[ids.index(name) + 1] == name.removesuffix("Function") + "Logs"


# --- names ---


def rights(node: yaml.Node) -> Iterator[yaml.Node]:
    """The statements of all roles. One that is an alias is the very node that its anchor is."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else []:
        if key.value == "Statement" and isinstance(value, yaml.SequenceNode):
            yield from value.value
        else:
            yield from rights(value)
    for item in node.value if isinstance(node, yaml.SequenceNode) else []:
        yield from rights(item)


def written_twice(text: str) -> list[str]:
    written = {id(node): yaml.serialize(node) for node in rights(yaml.compose(text))}
    assert len(written) > 90
    return [right for right, times in Counter(written.values()).items() if times > 1]


def test_a_right_that_several_roles_have_is_written_once():
    assert written_twice(TEXT) == []


def test_a_right_that_is_written_again_is_found():
    right = "{ Effect: Allow, Action: [dynamodb:GetItem], Resource: !GetAtt OrdersTable.Arn }"
    (found,) = written_twice(TEXT.replace("- *ReadOrder\n", f"- {right}\n", 1))
    assert "OrdersTable" in found


def test_every_anchor_is_defined_once_and_used():
    tokens = list(yaml.scan(TEXT))
    defined = [token.value for token in tokens if isinstance(token, yaml.AnchorToken)]
    used = {token.value for token in tokens if isinstance(token, yaml.AliasToken)}
    assert len(defined) == len(set(defined))
    assert set(defined) == used


def test_sam_build_writes_anchors_and_merges_out_as_cloudformation_knows_neither():
    built = yaml_dump(template())
    assert yaml_parse(built) == template()
    marks = (yaml.AnchorToken, yaml.AliasToken)
    assert [token for token in yaml.scan(built) if isinstance(token, marks)] == []
    assert "<<" not in built
