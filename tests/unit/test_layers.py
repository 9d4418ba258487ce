"""Layers carry the byte code of the Python that runs them, so that no cold start compiles."""

import importlib.util
import re
import subprocess
import sys

import pytest

from cardvault.aws import boto_clients
from tests.support.template import ROOT

COMPILE = ROOT / "layers/compile.sh"
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
UNCHECKED = (1).to_bytes(4, "little")  # PEP 552: the flag of a hash that is not compared


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package/module.py").write_text("def where():\n    raise LookupError\n")
    return tmp_path


def compiled(folder, version, **environment):
    command = ["sh", str(COMPILE), str(folder), version]
    given = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, **environment}
    return subprocess.run(command, env=given, capture_output=True, text=True, check=True)


def test_byte_code_is_of_that_python_and_never_compared_with_its_source(folder):
    compiled(folder, THIS_PYTHON)
    (made,) = folder.rglob("*.pyc")
    content = made.read_bytes()
    assert content[:4] == importlib.util.MAGIC_NUMBER
    assert content[4:8] == UNCHECKED
    assert b"/opt/python/package/module.py" in content


def test_equal_sources_give_equal_byte_code(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("elsewhere")
    (other / "package").mkdir()
    (other / "package/module.py").write_text((folder / "package/module.py").read_text())
    for place in (folder, other):
        compiled(place, THIS_PYTHON)
    one, two = (next(place.rglob("*.pyc")).read_bytes() for place in (folder, other))
    assert one == two


def test_a_python_that_is_not_there_is_named_and_the_layer_stays_as_it_is(folder):
    done = compiled(folder, "3.99")
    assert "no Python 3.99 here" in done.stderr
    assert not list(folder.rglob("*.pyc"))


def test_another_python_does_not_compile_for_the_one_that_is_wanted(folder):
    compiled(folder, "3.99", LAYER_COMPILER=sys.executable)
    assert not list(folder.rglob("*.pyc"))


def test_the_layer_describes_the_services_that_are_called_and_no_others():
    makefile = (ROOT / "layers/dependencies/Makefile").read_text()
    kept = re.search(r"^SERVICES := (.+)$", makefile, re.MULTILINE)[1].split()
    called = re.findall(r'_client\("(\w+)"', (ROOT / boto_clients.__file__).read_text())
    assert sorted(kept) == sorted(set(called))
