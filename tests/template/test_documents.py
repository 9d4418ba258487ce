"""What our documents name is there, and nothing points out of the repository."""

import importlib.util
import re

import pytest

from local.sandbox import FAULTS
from local.up import PORTS
from tests.support.documents import anchors
from tests.support.template import ROOT, template
from tests.support.texts import texts

FIRST_DEPLOY = (ROOT / "docs/first-deploy.md").read_text()
DOCUMENTS = sorted(path for path in texts() if path.endswith(".md"))
FOLDERS = (
    *("benchmarks/", "docs/", "events/", "functions/", "layers/", "local/", "requirements/"),
    *("statemachine/", "tests/", "cardvault/"),
)
# Words that point to something a reader of this repository does not have.
ELSEWHERE = (
    r"(?i)\b(contract|gaps?|row|field (case|report)|attack) [0-9]+\b",
    r"(?i)\bthe[ _](seeds?|design|brief|issue|published contract)(?![a-z-])",
    r"_the_seeds?(?![a-z])|SEED_",
    r"(?i)\b(fills?|see|as in|from) S[0-9]+\b",
    r"\breference/[\w-]+\.md|\.\./shared|\bseeds/",
    r"(?i)\bissue #?[0-9]+\b",
    r"\bpypi\.org|pythonhosted\.org|registry\.npmjs",
)
MAY_SAY_SO = {"tests/template/test_documents.py"}


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


PRODUCT = "".join(text for path, text in texts().items() if not path.endswith(".md"))
COMPOSED = {
    *(f"FAULT_{name.upper()}" for name in FAULTS),
    *(f"EMBEDDED_{name.upper()}_PORT" for name in PORTS),
    "IMPORT_COMPLETE",  # CloudFormation's
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_code_event_or_setting_that_is_named_is_there(name):
    named = set(re.findall(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)`", texts()[name]))
    assert {one for one in named - COMPOSED if one not in PRODUCT} == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_command_that_sends_json_says_so(name):
    joined = texts()[name].replace("\\\n", " ")
    for command in re.findall(r"^.*curl .* -d '\{.*$", joined, re.MULTILINE):
        assert "Content-Type: application/json" in command or '-H "$J"' in command, command


@pytest.mark.parametrize("name", ["README.md", "docs/embedded-stack.md", "docs/operations.md"])
def test_the_checklist_is_found(name):
    assert "first-deploy.md" in (ROOT / name).read_text()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name):
    for link, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", texts()[name]):
        target = (ROOT / name).parent / link if link else ROOT / name
        assert target.exists(), f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: {link}#{anchor}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_that_is_named_is_there(name):
    for path in re.findall(r"`([\w.-]+/[\w./-]*)(?:::\w+)?`", texts()[name]):
        if path.startswith(FOLDERS):
            places = [ROOT / path, ROOT / "layers/cardvault" / path]
            assert any(place.exists() for place in places), f"{name}: {path}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_test_that_is_named_is_there(name):
    for path, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", texts()[name]):
        assert f"\ndef {test}(" in texts()[path], f"{name}: {path}::{test}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_module_that_is_named_is_there(name):
    for module in re.findall(r"\bcardvault(?:\.[a-z_]+)+", texts()[name]):
        assert importlib.util.find_spec(module), f"{name}: {module}"


def test_every_document_that_is_named_is_there():
    known = {path.rpartition("/")[2] for path in texts() if path.endswith(".md")}
    for path, text in texts().items():
        for document in re.findall(r"[\w./-]+\.md\b", text):
            assert document.rpartition("/")[2] in known, f"{path}: {document}"


def test_every_decision_that_is_cited_is_there():
    known = {int(path.name[:4]) for path in (ROOT / "docs/decisions").glob("0*.md")}
    for path, text in texts().items():
        for number in re.findall(r"(?i)\bdecision \[?([0-9]+)\b", text):
            assert int(number) in known, f"{path}: decision {number}"


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_nothing_points_to_what_is_not_in_the_repository(pattern):
    found = {
        f"{path}: {match[0]}"
        for path, text in texts().items()
        if path not in MAY_SAY_SO
        for match in re.finditer(pattern, text)
    }
    assert found == set()


def test_every_decision_is_in_the_index_under_its_title():
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text()
    for decision in folder.glob("0*.md"):
        number, title = re.match(r"# (\d+)\. (.+)", decision.read_text()).groups()
        assert f"* {number}. [{title}]({decision.name})" in index


def test_every_text_uses_the_common_word():
    found = {
        f"{path}: {match[0]}"
        for path, text in texts().items()
        if path not in MAY_SAY_SO
        for match in re.finditer(r"(?i)\b(can not|lest|whoever|whosoever)\b", text)
    }
    assert found == set()
