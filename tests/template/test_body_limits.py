"""Each route takes the longest body that its schema allows, however JSON writes it."""

import re

import pytest

from cardvault.http.body import longest
from tests.support.openapi import operations, resolved
from tests.support.template import ROOT

BULK = "/v2/giftcards/programs/{programId}/cards/bulk"
# A character beyond the first 65,536 as JSON may write it: two escapes.
ESCAPED = 12
# Of texts that are ASCII by their pattern.
LONGEST_ASCII = 256
WITH_A_BODY = {
    f"{method} {path}": operation["requestBody"]["content"]["application/json"]["schema"]
    for (method, path), operation in operations().items()
    if "application/json" in operation.get("requestBody", {}).get("content", {})
}


def longest_text(schema, a_character):
    if "enum" in schema:
        return max(len(word) for word in schema["enum"])
    if not re.search(schema.get("pattern", ""), "\U0001f600") or "format" in schema:
        return LONGEST_ASCII
    return schema["maxLength"] * a_character


def most_bytes(schema, a_character=ESCAPED):
    """The bytes of the longest JSON that fits the schema."""
    schema = resolved(schema)
    if "oneOf" in schema and "properties" not in schema:
        return max(most_bytes(part, a_character) for part in schema["oneOf"])
    kind = schema["type"] if isinstance(schema["type"], str) else "number"
    match kind:
        case "object":
            fields = schema["properties"].items()
            return 2 + sum(len(name) + 6 + most_bytes(part, a_character) for name, part in fields)
        case "array":
            return 2 + schema["maxItems"] * (2 + most_bytes(schema["items"], a_character))
        case "string":
            return 2 + longest_text(schema, a_character)
        case _:
            return 32


def test_every_route_with_a_body_tells_that_it_may_be_too_large():
    for (method, path), operation in operations().items():
        assert ("413" in operation["responses"]) == ("requestBody" in operation), (method, path)


def test_i13_a_body_is_read_in_one_place_where_its_length_is_judged():
    reads = re.compile(r"""["']body["']\]|get\(["']body["']""")
    package, functions = ROOT / "layers/cardvault/cardvault", ROOT / "functions"
    sources = [*package.rglob("*.py"), *functions.rglob("*.py")]
    assert [path.name for path in sources if reads.search(path.read_text())] == ["body.py"]


@pytest.mark.parametrize("route", sorted(WITH_A_BODY))
def test_a_route_takes_the_longest_body_that_its_schema_allows(route):
    # A claim's texts come from our own page, which escapes nothing; of a bulk's recipients there
    # are many, and they have room for the longest texts of plain letters.
    of_many = route.endswith(BULK)
    a_character = 1 if of_many else 4 if "/api/claims/" in route else ESCAPED
    assert most_bytes(WITH_A_BODY[route], a_character) <= longest(route)


def test_no_route_takes_much_more_than_it_needs():
    for route, schema in WITH_A_BODY.items():
        assert longest(route) <= max(24 * 1024, 2 * most_bytes(schema, 1))
