"""docs/supplier-contract.md: its routes, codes and faults are those of client and sandbox."""

import re

from cardvault.supplier import refusals
from local.sandbox import FAULTS
from local.sandbox.routes import ROUTES
from tests.support.documents import anchors
from tests.support.template import ROOT
from tests.support.texts import texts

PAGE = ROOT / "docs/supplier-contract.md"
TEXT = PAGE.read_text()


def test_every_route_is_listed():
    listed = re.findall(r"^\| (GET|POST) \| `(/v3/[^`]+)`", TEXT, re.MULTILINE)
    paths = [(method, re.sub(r"\{\w+\}", "x", path)) for method, path in listed]
    for method, path in paths:
        assert any(r.method == method and r.path.fullmatch(path) for r in ROUTES), path
    assert len(paths) == len(ROUTES)


def test_every_error_code_that_the_client_knows_is_listed():
    known = refusals._OUT_OF_STOCK | refusals._NO_BALANCE | refusals._NOT_LET_IN | {"IP_BLOCKED"}
    assert known <= set(re.findall(r"`([A-Z_]+)`", TEXT.partition("## Errors")[2]))


def test_every_fault_of_the_sandbox_has_its_place():
    named = {name.lower() for name in re.findall(r"`FAULT_([A-Z_]+)", TEXT)}
    assert named == set(FAULTS)


def test_a_comment_that_names_a_heading_names_one_of_this_page():
    headings = {re.sub(r"\W+", " ", anchor) for anchor in anchors(PAGE)}
    named = [
        (path, re.sub(r"\W+", " ", heading.lower()))
        for path, text in texts().items()
        for heading in re.findall(r'supplier-contract\.md, "([^"]+)"', " ".join(text.split()))
    ]
    assert named
    assert [(path, heading) for path, heading in named if heading not in headings] == []
