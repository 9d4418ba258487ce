"""docs/limits.md says what the template and the code hold, and no route is open without a limit."""

import importlib
import re
from datetime import timedelta

import pytest

from cardvault.claims.min_response_time import MinResponseTime
from cardvault.claims.renew import RENEWAL_TAKES_S
from tests.support.expanded import deployed
from tests.support.template import ROOT

LIMITS = (ROOT / "docs/limits.md").read_text()
OWN_ISSUER: dict[str, str] = {}
ANOTHER_ISSUER = {"TokenIssuer": "https://tokens.example.com"}
PACKAGE = ROOT / "layers/cardvault/cardvault"
# Where a caller is held back, and how such a number is called.
HOLDING_BACK = ("claims", "downloads", "giftcards/security", "links.py", "mail", "orders")
HOLDING_BACK += ("supplier/circuit_breaker.py",)
NAMED = r"(?m)^((?:MOST_\w+|\w+_(?:SPACING|LIFETIME|WITHIN)|WINDOW|AUDITED_\w+)) = "
UNITS = ((3600, "h"), (60, "min"), (1, "s"))
# Of 1,000, which an account has once it asked for them.
MOST_EXECUTIONS_THAT_WAIT = 40


def open_routes(stack):
    """Every route of a stack that asks for no token: `POST /v2/token`."""
    for resource in stack.values():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::ApiGatewayV2::Route":
            if properties["AuthorizationType"] == "NONE":
                yield properties["RouteKey"]
        elif resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in properties:
            for path, methods in properties["Body"]["paths"].items():
                for method, operation in methods.items():
                    schemes = {name for one in operation.get("security", []) for name in one}
                    if not schemes - {"NONE"}:
                        yield "$default" if path == "/$default" else f"{method.upper()} {path}"


def stages(stack):
    return [item for item in stack.values() if item["Type"] == "AWS::ApiGatewayV2::Stage"]


def throttles(stack):
    """Route -> requests a second and at once."""
    return {
        route: (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"])
        for stage in stages(stack)
        for route, settings in stage["Properties"]["RouteSettings"].items()
    }


def rows(heading):
    """The rows of the table under a heading, without their backticks."""
    section = LIMITS.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = re.findall(r"^\| (.*) \|$", section, re.MULTILINE)
    return [[cell.strip(" `") for cell in row.split(" | ")] for row in table[1:]]


@pytest.mark.parametrize("parameters", [OWN_ISSUER, ANOTHER_ISSUER])
def test_a_route_that_needs_no_token_has_a_throttle_of_its_own(parameters):
    stack = deployed(**parameters)
    assert set(open_routes(stack)) == set(throttles(stack)), "and no throttle has no route"


def test_the_throttles_are_those_of_the_document():
    told = {
        route: (int(rate), int(burst)) for route, rate, burst in rows("Routes that need no token")
    }
    assert told == throttles(deployed())


def test_refusals_that_wait_leave_the_account_its_concurrency():
    waiting = sum(
        rate * (RENEWAL_TAKES_S if route.endswith("/renew") else MinResponseTime().floor_s)
        for route, (rate, _) in throttles(deployed()).items()
        if route.startswith(("POST /api/claims/", "GET /api/download/"))
    )
    assert waiting < MOST_EXECUTIONS_THAT_WAIT


def written(value):
    """A number or a time as the document has it."""
    if not isinstance(value, timedelta):
        return str(value)
    seconds = int(value.total_seconds())
    size, unit = next(one for one in UNITS if seconds % one[0] == 0)
    return f"{seconds // size} {unit}"


def constants():
    """Every number that holds a caller back, by module and name."""
    for part in HOLDING_BACK:
        place = PACKAGE / part
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            for name in re.findall(NAMED, path.read_text()):
                yield f"{module}.{name}"


def test_the_totals_are_those_of_the_code_and_none_is_missing():
    told = {constant: most for _, most, constant in rows("Totals")}
    known = {}
    for constant in constants():
        module, _, name = constant.rpartition(".")
        known[constant] = written(getattr(importlib.import_module(f"cardvault.{module}"), name))
    assert told == known
