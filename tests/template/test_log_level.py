"""The log level that a stack is given is the one its functions have, at each that is allowed.

Each test runs a function under AWS's own runtime client with the variables that Lambda sets for
the template's `LoggingConfig`.
Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
"""

import re
import tomllib
from functools import cache

import pytest

from tests.support.runtime_api import run_on_lambda
from tests.support.template import ROOT, resources, template

LEVELS = template()["Parameters"]["LogLevel"]["AllowedValues"]
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")
PROBE = """
import logging

from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.aws.tasks import operator_action


@operator_action
def handler(event):
    logger.debug("a debug line of ours")
    logger.info("an info line of ours")
    for name in ("botocore.parsers", "pynamodb.connection.base", "urllib3.connectionpool", "other"):
        logging.getLogger(name).debug("CANARY")
        logging.getLogger(name).info("CANARY")
        logging.getLogger(name).warning("worth knowing")
    count("TaskFailures")
    count("CannotOpen")
    return {"done": True}
"""
# Lambda reads a text of its own in a line, and drops it below the level that it is set to.
SEVERITY = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "WARNING": 3, "ERROR": 4, "FATAL": 5}


def logging_config():
    return template()["Globals"]["Function"]["LoggingConfig"]


def variables(level):
    """As Lambda hands the template's LoggingConfig over, and the template's own variables."""
    given = template()["Globals"]["Function"]["Environment"]["Variables"]
    stand_ins = {"AWS::StackName": "cardvault-test", "LogLevel": level}
    config = logging_config()
    assert config["ApplicationLogLevel"] == {"Ref": "LogLevel"}
    return {
        **{name: stand_ins[value["Ref"]] for name, value in given.items()},
        "AWS_LAMBDA_LOG_FORMAT": config["LogFormat"],
        "AWS_LAMBDA_LOG_LEVEL": level,
    }


@pytest.fixture(scope="module")
def speak(tmp_path_factory):
    @cache
    def at(level):
        folder = tmp_path_factory.mktemp("probe")
        (folder / "app.py").write_text(PROBE)
        spoken = run_on_lambda(folder, variables(level), {})
        assert spoken.answer == {"done": True}
        return spoken

    return at


def kept_by_lambda(entries, level):
    """What Lambda passes on at that level: no level, or a time that is none, counts as INFO."""
    for entry in entries:
        stamped = RFC_3339.fullmatch(str(entry.get("timestamp", "")))
        severity = SEVERITY[entry["level"]] if "level" in entry and stamped else SEVERITY["INFO"]
        if severity >= SEVERITY[level]:
            yield entry


def messages(entries):
    return [entry["message"] for entry in entries if "message" in entry]


def test_no_level_is_allowed_that_would_drop_the_metrics():
    assert set(LEVELS) == {"DEBUG", "INFO"}
    assert template()["Parameters"]["LogLevel"]["Default"] == "INFO"
    assert logging_config()["LogFormat"] == "JSON", "no level is read from plain text"


def test_every_function_has_the_level_of_the_stack():
    for name, function in resources("AWS::Serverless::Function").items():
        assert not {"LogFormat", "ApplicationLogLevel"} & set(
            function["Properties"]["LoggingConfig"]
        )
        given = function["Properties"].get("Environment", {}).get("Variables", {})
        assert not [variable for variable in given if "LOG_LEVEL" in variable], name


def test_the_levels_of_samconfig_are_allowed():
    stages = tomllib.loads((ROOT / "samconfig.toml").read_text())
    overrides = [
        override
        for stage in stages.values()
        if isinstance(stage, dict)
        for override in stage["deploy"]["parameters"].get("parameter_overrides", [])
    ]
    levels = [
        value for name, _, value in (o.partition("=") for o in overrides) if name == "LogLevel"
    ]
    assert levels
    assert set(levels) <= set(LEVELS)


def test_debug_gives_debug_lines(speak):
    assert "a debug line of ours" in messages(kept_by_lambda(speak("DEBUG").entries(), "DEBUG"))


def test_info_gives_none(speak):
    said = messages(speak("INFO").entries())
    assert "an info line of ours" in said
    assert "a debug line of ours" not in said


@pytest.mark.parametrize("level", LEVELS)
def test_metrics_are_printed_and_pass_at_every_allowed_level(speak, level):
    kept = [entry for entry in kept_by_lambda(speak(level).entries(), level) if "_aws" in entry]
    assert [list(entry)[-1] for entry in kept] == ["TaskFailures", "CannotOpen"]
    assert not [entry for entry in kept if "level" in entry]


def test_metrics_would_be_dropped_above_info(speak):
    kept = kept_by_lambda(speak("INFO").entries(), "WARN")
    assert [entry for entry in kept if "_aws" in entry] == []


@pytest.mark.parametrize("level", LEVELS)
def test_every_line_of_ours_has_its_time_by_rfc_3339(speak, level):
    ours = [entry for entry in speak(level).entries() if "ours" in str(entry.get("message"))]
    assert ours
    for entry in ours:
        assert RFC_3339.fullmatch(entry["timestamp"]), entry["timestamp"]


@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_warned_of_at_the_start(speak, level):
    assert speak(level).stderr == ""


@pytest.mark.parametrize("level", LEVELS)
def test_i1_no_library_talks_below_warning_at_any_level(speak, level):
    lines = speak(level).stdout
    assert "CANARY" not in "".join(lines)
    assert "".join(lines).count("worth knowing") == 4, "that is heard, and once"
