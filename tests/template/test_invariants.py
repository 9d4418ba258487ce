"""docs/invariants.md and docs/threat-model.md: each test that they name exists, none is missing.

And each invariant that is cited anywhere is explained.
"""

import ast
import re

import pytest

from tests.support.template import ROOT
from tests.support.texts import texts

TEXT = (ROOT / "docs/invariants.md").read_text()
SECTIONS = dict(re.findall(r"^## (I[0-9]+): .*?\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
CITED = re.compile(r"\bI[0-9]{1,2}\b|(?<=_)i[0-9]{1,2}(?=_)")


THREATS = [
    line
    for line in (ROOT / "docs/threat-model.md").read_text().split("## From outside")[1].splitlines()
    if line.startswith("| ") and not line.endswith("| tests |")
]


def functions_of(path):
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_invariant_names_tests_that_exist():
    assert [f"I{number}" for number in range(1, len(SECTIONS) + 1)] == list(SECTIONS)
    for invariant, section in SECTIONS.items():
        expect_tests(invariant, section)


@pytest.mark.parametrize("row", THREATS)
def test_every_row_of_the_threat_model_names_tests_that_exist(row):
    *cells, tests = row.strip("| ").split(" | ")
    assert len(cells) == 3
    expect_tests(cells[0], tests)


def expect_tests(what, text):
    named = NAMED.findall(text)
    assert named, f"{what} has no test"
    for path, name in named:
        assert name in functions_of(path), f"{what}: {path}::{name}"


def test_every_invariant_that_is_cited_is_explained():
    found = {
        (number.upper(), name)
        for name, text in texts().items()
        if not name.startswith("tests/vectors/")
        for number in CITED.findall(text)
    }
    assert len(found) > 50
    assert {(number, name) for number, name in found if number not in SECTIONS} == set()
