"""What the deployment's documents name is there."""

import re

import pytest

from tests.support.template import ROOT, resources, template

FIRST_DEPLOY = (ROOT / "docs/first-deploy.md").read_text()


def test_the_number_of_functions_is_told_rightly():
    functions = len(resources("AWS::Serverless::Function"))
    for name in ("README.md", "docs/operations.md"):
        told = re.search(r"(?:has|the) (\d\d) (?:functions|here)", (ROOT / name).read_text())
        assert int(told[1]) == functions, name


@pytest.mark.parametrize("output", sorted(set(re.findall(r"\$\(out (\w+)\)", FIRST_DEPLOY))))
def test_an_output_of_the_checklist_is_one_of_the_stack(output):
    assert output in template()["Outputs"]


@pytest.mark.parametrize(
    "logical_id",
    sorted(
        {
            *re.findall(r"\$\(id (\w+)\)", FIRST_DEPLOY),
            *re.findall(r"`(\w+Function)`", FIRST_DEPLOY),
        }
    ),
)
def test_a_resource_of_the_checklist_is_one_of_the_stack(logical_id):
    assert logical_id in template()["Resources"]


def test_each_line_of_the_checklist_has_a_command_and_an_answer():
    tables = [line for line in FIRST_DEPLOY.splitlines() if line.startswith("| ")]
    assert len(tables) > 25
    for line in tables:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        assert len(cells) == 3, line
        assert all(cells), line


@pytest.mark.parametrize("name", ["README.md", "docs/embedded-stack.md", "docs/operations.md"])
def test_the_checklist_is_found(name):
    assert "first-deploy.md" in (ROOT / name).read_text()


def test_links_between_documents_lead_somewhere():
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_every_decision_is_in_the_index_under_its_title():
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    for decision in folder.glob("0*.md"):
        number, title = re.match(r"# (\d+)\. (.+)", decision.read_text()).groups()
        assert f"* {number}. [{title}]({decision.name})" in index
