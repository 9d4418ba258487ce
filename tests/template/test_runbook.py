"""The commands of docs/operations.md run as they stand, and its links lead somewhere."""

import re
import subprocess

import botocore.session
import pytest
from botocore import xform_name

from tests.support.documents import anchors, sections
from tests.support.template import ROOT, template

TEXT = (ROOT / "docs/operations.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
OF_ANY_COMMAND = {"--output", "--query", "--max-items", "--cli-binary-format"}
AWS = re.compile(r"aws ([a-z0-9]+) ([a-z-]+)((?:\\\n|[^\n)])*)")


def commands():
    """(service, operation, options) of each call of the AWS command line."""
    for block in BLOCKS:
        for service, operation, rest in AWS.findall(block.replace("\\\n", " ")):
            yield service, operation, sorted(set(re.findall(r"(?<= )--[a-z-]+", rest)))


def test_there_are_some():
    assert {("sesv2", "list-suppressed-destinations"), ("logs", "start-query")} <= {
        (service, operation) for service, operation, _ in commands()
    }


@pytest.mark.parametrize(("service", "operation", "options"), list(commands()))
def test_a_command_is_one_that_aws_has_with_options_that_it_takes(service, operation, options):
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names
    taken = model.operation_model(names[operation]).input_shape.members
    assert set(options) <= {f"--{xform_name(name, '-')}" for name in taken} | OF_ANY_COMMAND


@pytest.mark.parametrize("block", [block for block in BLOCKS if "…" not in block])
def test_a_block_is_valid_shell(block):
    subprocess.run(["sh", "-n"], input=block, text=True, check=True)


def test_every_output_and_resource_it_asks_for_is_there():
    for name in re.findall(r"\boutput (\w+)\)", TEXT):
        assert name in template()["Outputs"], name
    for name in re.findall(r"\bphysical (\w+)\)", TEXT):
        assert name in template()["Resources"], name


def test_every_variable_is_set_or_told_of():
    told = set(re.findall(r"\b([A-Z][A-Z_]+)=", TEXT)) | {"EXECUTION"}
    for block in BLOCKS:
        for name in re.findall(r"\$\{?([A-Z][A-Z_]+)", block):
            assert name in told, name


def test_every_module_it_runs_is_there():
    for command in re.findall(r"-m (cardvault\.[\w.]+)", TEXT):
        path = ROOT / "layers/cardvault" / command.replace(".", "/")
        assert path.with_suffix(".py").exists(), command


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]*)#([^)]+)\)", TEXT)
    assert links
    for file, anchor in links:
        assert anchor in set(anchors(ROOT / "docs" / (file or "operations.md"))), anchor


@pytest.mark.parametrize("document", ["operations.md", "restoring.md"])
def test_the_commands_of_every_section_are_executed(document):
    run = (ROOT / "tests/embedded/test_runbooks.py").read_text()
    steps = {step for some in re.findall(r"steps\(([\d, ]+)\)", run) for step in some.split(", ")}
    for heading, blocks in sections(document).items():
        is_step = heading[1:2] == "." and heading[:1] in steps
        assert not blocks or is_step or f'"{heading}"' in run, heading
