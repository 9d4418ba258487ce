"""CONTRIBUTING.md, the hooks and CI: what they name is there, and each check can fail."""

import re
import subprocess
import tomllib

import pytest
import yaml

from tests.support.template import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)", CONTRIBUTING))))
def test_a_command_is_one_of_the_makefile(target):
    assert f"\n{target}:" in MAKEFILE


def test_every_folder_of_tests_has_its_row():
    told = set(re.findall(r"^\| `(tests/[a-z/]+[a-z])` \|", CONTRIBUTING, re.MULTILINE))
    folders = {
        f"tests/{path.name}"
        for path in (ROOT / "tests").iterdir()
        if path.is_dir() and path.name not in {"support", "__pycache__"}
    }
    assert told == folders | {"tests/embedded/gaps"}


def test_a_file_that_is_named_is_there():
    for name in re.findall(r"`((?:docs|tests|layers|requirements|\.ci)/[\w./-]+\w)`", CONTRIBUTING):
        assert (ROOT / name).exists(), name


def test_the_floor_of_coverage_is_enforced_by_the_gate():
    floor = PROJECT["tool"]["coverage"]["report"]["fail_under"]
    assert f"below {floor} %" in CONTRIBUTING
    assert all((ROOT / source).is_dir() for source in PROJECT["tool"]["coverage"]["run"]["source"])
    assert " --cov" in recipe("coverage")
    assert " --cov" not in recipe("test")


def test_the_gate_is_what_ci_runs():
    assert {step["run"] for step in STEPS if "run" in step} == {".ci/run", "make vulnerabilities"}
    assert (ROOT / ".ci/run").read_text().endswith("\nmake check\n")
    (needed,) = re.findall(r"^check: ([a-z ]+)##", MAKEFILE, re.MULTILINE)
    assert needed.split() == ["lint", "audit", "secrets", "coverage"]


def test_every_action_is_named_by_its_commit():
    actions = [step["uses"] for step in STEPS if "uses" in step]
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []


def test_every_hook_is_a_tool_that_is_locked():
    locked = (ROOT / "requirements/dev.txt").read_text()
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            tool = hook["entry"].split()[0]
            if tool.startswith(".venv/bin/"):
                assert f"\n{tool.removeprefix('.venv/bin/')}==" in locked
            else:
                assert (ROOT / tool).stat().st_mode & 0o100


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('id = "AKIA{}"', "AWS Access Key"),
        ('password = "{}"', "Secret Keyword"),
        ("-----BEGIN {}PRIVATE KEY-----", "Private Key"),
        ('client_secret: "EXAMPLE-{}"', None),
        ('order_id = "695735a50123456789abcdef"', None),
    ],
)
def test_a_secret_is_found(text, found, tmp_path):
    # Put together here, or this file would be refused.
    filling = {"AWS Access Key": "IOSFODNN7QWERTYU", "Private Key": "RSA "}.get(found, "kT9vQ2xL")
    (tmp_path / "planted.py").write_text(text.format(filling) + "\n")
    scan = subprocess.run(
        [ROOT / ".ci/secrets", tmp_path / "planted.py"], capture_output=True, text=True, check=False
    )
    assert scan.returncode == (1 if found else 0), scan.stderr
    assert (found or "") in scan.stdout


def test_no_file_holds_the_address_of_a_package_index():
    addresses = re.compile(r"pypi\.org|pythonhosted|index-url (?!\\)|simple/", re.IGNORECASE)
    documents = [ROOT / "README.md", *ROOT.glob("[A-Z]*.md"), *(ROOT / "docs").rglob("*.md")]
    locks = [*(ROOT / "requirements").glob("*.txt"), *(ROOT / "layers").rglob("*.txt")]
    assert len(locks) >= 5
    for path in (*documents, *locks, *(ROOT / "requirements").glob("*.in")):
        assert not addresses.search(path.read_text()), path


def test_the_changes_begin_with_what_is_unreleased():
    titles = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert titles[0] == "Unreleased"
    released = [re.fullmatch(r"(\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d", title) for title in titles[1:]]
    assert all(released)
    if released:
        assert released[0][1] == PROJECT["project"]["version"]


def recipe(target):
    command = ["make", "--dry-run", "--old-file=install", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
