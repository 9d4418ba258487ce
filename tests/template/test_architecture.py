"""docs/architecture.md tells of the floors, tables and writers that are really there."""

import ast
import re
import tomllib
from pathlib import Path

from tests.support.account import role_statements
from tests.support.expanded import expanded
from tests.support.template import ROOT, resources

TEXT = (ROOT / "docs/architecture.md").read_text()
WRITES = {
    "dynamodb:PutItem": "put",
    "dynamodb:UpdateItem": "update",
    "dynamodb:DeleteItem": "delete",
    "dynamodb:BatchWriteItem": "put",
}
KEYS = {"HASH": "partition", "RANGE": "sort"}


def rows(heading):
    """The rows of the first table below a heading, without its head."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def names(cell):
    return re.findall(r"`([^`]+)`", cell)


def contract(name):
    """The layers of one import-linter contract, top first; each floor as a set of packages."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (found,) = (one for one in linter["contracts"] if one["containers"] == [name])
    return [set(re.split(r" [|:] ", floor)) for floor in found["layers"]]


def table_of(resource):
    """The table that a statement's resource is, or is an index of."""
    found = re.search(r"(\w+Table)\b", str(resource))
    return found and found[1]


def writers():
    """(table, how) -> the functions whose roles may write so."""
    folders = {
        name: Path(one["Properties"]["CodeUri"]).name
        for name, one in resources("AWS::Serverless::Function").items()
    }
    found = {}
    for logical_id, folder in folders.items():
        for statement in role_statements(expanded(), logical_id):
            for action in WRITES.keys() & set(statement["Action"]):
                key = (table_of(statement["Resource"]), WRITES[action])
                found.setdefault(key, set()).add(folder)
    return found


def written(found):
    """The table of writers as the document has to have it."""
    lines = []
    for table in resources("AWS::DynamoDB::Table"):
        cells = [sorted(found.get((table, how), ())) for how in ("put", "update", "delete")]
        texts = [", ".join(f"`{name}`" for name in cell) for cell in cells]
        lines.append("| " + " | ".join([f"`{table}`", *texts]) + " |")
    return "\n".join(lines)


def test_the_floors_are_those_that_are_enforced():
    assert [set(names(floor)) for floor, _ in rows("The floors")] == contract("cardvault")
    inside = [set(names(floor)) for floor, _ in rows("The floors of gift cards")]
    assert inside == contract("cardvault.giftcards")


def test_the_keys_of_each_table_are_those_of_the_template():
    told = {names(table)[0]: names(keys) for table, keys, *_ in rows("The tables")}
    assert told == {
        name: [key["AttributeName"] for key in table["Properties"]["KeySchema"]]
        for name, table in resources("AWS::DynamoDB::Table").items()
    }


def test_indexes_time_to_live_and_backup_are_those_of_the_template():
    for table, _, indexes, expiry, backup in rows("The tables"):
        properties = resources("AWS::DynamoDB::Table")[names(table)[0]]["Properties"]
        there = [index["IndexName"] for index in properties.get("GlobalSecondaryIndexes", ())]
        assert names(indexes) == there, table
        time_to_live = properties.get("TimeToLiveSpecification", {})
        assert names(expiry) == [time_to_live[name] for name in time_to_live][:1], table
        kept = properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert backup.startswith("yes" if kept else "no"), table


def test_every_kind_of_item_is_told_of():
    told = {name for *_, model in rows("The kinds of item") for name in names(model)}
    assert told == set(models())


def models():
    for path in (ROOT / "layers/cardvault/cardvault").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and "Record" in map(ast.unparse, node.bases):
                yield node.name


def test_the_writers_are_those_that_roles_allow():
    table = written(writers())
    assert table in TEXT, f"docs/architecture.md, Who writes what, has to say:\n{table}"


def test_every_function_has_its_place():
    told = {name for _, functions in rows("The functions") for name in names(functions)}
    assert told == {
        Path(one["Properties"]["CodeUri"]).name
        for one in resources("AWS::Serverless::Function").values()
    }
