"""docs/costs.md: its idle quantities come from the template, and its sums are sums."""

import re
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.support.expanded import expand, expanded, of_type, source
from tests.support.template import ROOT

DOCUMENT = (ROOT / "docs/costs.md").read_text()
MONTH_S = 2_592_000
RUN_S = Decimal("0.2")


def number(text):
    return Decimal(text.strip("* ").replace(",", ""))


def rows(section):
    """The cells of each row of the table in a section of the document."""
    text = next(part for part in re.split(r"(?m)^#+ ", DOCUMENT) if part.startswith(section))
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


PRICES = {name: Decimal(usd) for name, usd, _, _ in rows("What a stack costs")}
SECTIONS = ("Idle, a month", "1,000 orders of 3 cards", "1,000 redemptions of a gift card")


def runs_a_month(expression):
    count, unit = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression).groups()
    return MONTH_S // (int(count) * {"minute": 60, "hour": 3600, "day": 86400}[unit])


def idle(expansion):
    """What a stack uses in a month in which nobody calls, by price."""
    functions = of_type("AWS::Lambda::Function", expansion)
    memory = {
        name: Decimal(one["Properties"]["MemorySize"]) / 1024 for name, one in functions.items()
    }
    kept = sum(memory[name] for name, one in functions.items() if "SnapStart" in one["Properties"])
    by_scheduler = of_type("AWS::Scheduler::Schedule", expansion).values()
    by_rule = [
        rule
        for rule in of_type("AWS::Events::Rule", expansion).values()
        if "ScheduleExpression" in rule["Properties"]
    ]
    used = Counter()
    for schedule in [*by_scheduler, *by_rule]:
        runs = runs_a_month(schedule["Properties"]["ScheduleExpression"])
        properties = schedule["Properties"]
        target = properties.get("Target") or properties["Targets"][0]
        used["runs"] += runs
        used["time"] += runs * RUN_S * memory[target["Arn"]["Fn::GetAtt"][0]]
    return {
        "kms-key": len(of_type("AWS::KMS::Key", expansion)),
        "secret": len(of_type("AWS::SecretsManager::Secret", expansion)),
        "alarm": len(of_type("AWS::CloudWatch::Alarm", expansion)),
        "snapshot-gb-s": kept * MONTH_S,
        "lambda-request": used["runs"],
        "trace": used["runs"],
        "lambda-gb-s": used["time"],
        "schedule": sum(
            runs_a_month(one["Properties"]["ScheduleExpression"]) for one in by_scheduler
        ),
    }


def told_idle():
    return {price: number(quantity) for _, quantity, price, _ in rows(SECTIONS[0]) if price}


def test_what_an_idle_stack_uses_is_what_the_template_has():
    told = told_idle()
    assert {price: told[price] for price in idle(expanded())} == idle(expanded())
    (sweep,) = of_type("AWS::Scheduler::Schedule").values()  # looks into the bucket each time
    assert told["s3-list"] == runs_a_month(sweep["Properties"]["ScheduleExpression"])
    others = set(told) - idle(expanded()).keys()
    assert others == {"s3-list", "log-gb"}


@pytest.mark.parametrize(
    ("price", "change"),
    [
        ("kms-key", {"New": {"Type": "AWS::KMS::Key", "Properties": {}}}),
        ("secret", {"New": {"Type": "AWS::SecretsManager::Secret", "Properties": {}}}),
        ("alarm", {"New": {"Type": "AWS::CloudWatch::Alarm", "Properties": {}}}),
        ("snapshot-gb-s", {"RevealCardsFunction": {"MemorySize": 1024}}),
        ("snapshot-gb-s", {"GetOrderFunction": {"SnapStart": {"ApplyOn": "PublishedVersions"}}}),
        ("lambda-gb-s", {"SweepDownloadsFunction": {"MemorySize": 1024}}),
    ],
)
def test_a_template_that_costs_more_is_found(price, change):
    changed = source()
    for name, properties in change.items():
        known = changed["Resources"].setdefault(name, properties)
        if known is not properties:
            known["Properties"].update(properties)
    assert idle(expand(changed))[price] > told_idle()[price]


def test_the_text_tells_what_the_template_has():
    functions = of_type("AWS::Lambda::Function").values()
    kept = [one["Properties"] for one in functions if "SnapStart" in one["Properties"]]
    gigabytes = sum(Decimal(one["MemorySize"]) for one in kept) / 1024
    assert f"snapshots: {len(kept)} functions, {gigabytes:.1f} GB x" in DOCUMENT
    before = (Decimal("13.5") * MONTH_S * PRICES["snapshot-gb-s"]).quantize(Decimal("0.01"))
    assert f"${before}" in DOCUMENT
    three_hours = (gigabytes * 3 * 3600 * PRICES["snapshot-gb-s"]).quantize(Decimal("0.01"))
    assert f"(${three_hours})" in DOCUMENT


@pytest.mark.parametrize("section", SECTIONS)
def test_every_amount_is_its_quantity_times_its_price(section):
    *items, (_, _, _, total) = rows(section)
    for what, quantity, price, usd in items:
        unit = Decimal(1).scaleb(number(usd).as_tuple().exponent)
        amount = (number(quantity) * PRICES[price]).quantize(unit, ROUND_HALF_UP)
        assert amount == number(usd), what
    assert sum(number(usd) for *_, usd in items) == number(total)


def test_every_price_has_its_source():
    assert all(
        source.startswith("https://aws.amazon.com/") for *_, source in rows("What a stack costs")
    )
