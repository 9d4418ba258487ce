"""A function is added in five places, six with a route: each that was forgotten is named."""

import pytest

from tests.support.openapi import operations
from tests.support.template import ROOT, resources

FUNCTIONS = resources("AWS::Serverless::Function")
ANSWERS = (ROOT / "tests/store/test_functions.py").read_text()
SCENARIOS = "".join(
    path.read_text()
    for folder in ("roles", "issuer")
    for path in sorted((ROOT / "tests" / folder).glob("*.py"))
)
# Names stay in the template when a folder is renamed, or the function would be replaced.
LOGICAL_IDS = {
    function["Properties"]["CodeUri"].strip("/"): logical_id
    for logical_id, function in FUNCTIONS.items()
}
KNOWN = sorted(
    {uri.removeprefix("functions/") for uri in LOGICAL_IDS}
    | {
        path.parent.relative_to(ROOT / top).as_posix()
        for top, name in (("functions", "app.py"), ("events", "*.json"))
        for path in (ROOT / top).glob(f"*/*/{name}")
    }
)


def forgotten(folder):
    """The places that say nothing of the function in `group/name`."""
    name = folder.split("/")[1]
    logical_id = LOGICAL_IDS.get(f"functions/{folder}", name.title().replace("_", "") + "Function")
    logs = logical_id.removesuffix("Function") + "Logs"
    places = {
        f"functions/{folder}/app.py": (ROOT / "functions" / folder / "app.py").is_file(),
        f"template.yaml: {logical_id}": f"functions/{folder}" in LOGICAL_IDS,
        f"template.yaml: {logs}": logs in resources("AWS::Logs::LogGroup"),
        f"events/{folder}/": any((ROOT / "events" / folder).glob("*.json")),
        "tests/store/test_functions.py": f'"{name}/' in ANSWERS,
        "tests/roles/": f'"{name}"' in SCENARIOS,
        **{
            f"docs/openapi.base.yaml: {method} {path}": (method, path) in operations()
            for method, path in routes(logical_id)
        },
    }
    return [place for place, is_there in places.items() if not is_there]


def routes(logical_id):
    function = FUNCTIONS.get(logical_id, {"Properties": {}})
    for event in function["Properties"].get("Events", {}).values():
        if event["Type"] == "HttpApi" and "Path" in event["Properties"]:
            yield event["Properties"]["Method"].upper(), event["Properties"]["Path"]


@pytest.mark.parametrize("folder", KNOWN)
def test_a_function_stands_in_every_place(folder):
    assert forgotten(folder) == []


def test_what_is_forgotten_is_named(monkeypatch):
    route = {"Type": "HttpApi", "Properties": {"Method": "GET", "Path": "/api/news"}}
    told = {"Properties": {"CodeUri": "functions/orders/get_order/", "Events": {"News": route}}}
    monkeypatch.setitem(FUNCTIONS, "GetNewsFunction", told)
    assert forgotten("orders/get_news") == [
        "functions/orders/get_news/app.py",
        "template.yaml: GetNewsFunction",
        "template.yaml: GetNewsLogs",
        "events/orders/get_news/",
        "tests/store/test_functions.py",
        "tests/roles/",
        "docs/openapi.base.yaml: GET /api/news",
    ]


def test_the_places_are_those_that_contributing_lists():
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Adding a Lambda")[2]
    listed = [line.split("`")[1] for line in table.partition("\n\n| Place")[2].splitlines()[2:8]]
    named = {place.partition(":")[0] for place in forgotten("<group>/<name>")}
    assert {place for place in listed if place != "docs/openapi.base.yaml"} == named
