"""Starting and stopping the embedded stack."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from local import up
from local.sandbox.__main__ import parser as sandbox_arguments
from local.stack import embedded as stack_module
from local.stack import environment, ports
from local.stack.build import ROOT, Build, build
from local.stack.deployment import DeploymentError, deploy
from local.stack.embedded import EmulatorError, Stack

HOLDING_A_STACK = """
from local.stack.embedded import Stack, stop_on_terminate
import signal
import time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
stop_on_terminate()
with Stack(api_outputs={"api": "ApiId"}) as stack:
    print(stack._emulator._process.pid, stack._directory, flush=True)
    time.sleep(3600)
"""


class TestPorts:
    def test_a_taken_port_is_named_with_the_way_to_choose_another(self):
        with ports.listen(0, "api") as listener:
            port = listener.getsockname()[1]
            with pytest.raises(ports.PortTakenError) as caught:
                ports.listen(port, "api")
        assert str(port) in str(caught.value)
        assert "EMBEDDED_API_PORT=" in str(caught.value)

    def test_a_free_port_is_found_on_loopback(self):
        with ports.listen(0, "api") as listener:
            host, port = listener.getsockname()
        assert host == "127.0.0.1"
        with ports.listen(port, "api") as again:
            assert again.getsockname()[1] == port

    def test_a_reserved_port_goes_to_nobody_else_before_its_process_listens(self):
        with ports.reserve(0, "aws") as reserved, pytest.raises(ports.PortTakenError):
            ports.listen(reserved.getsockname()[1], "api")

    def test_ports_are_chosen_by_variables(self, monkeypatch):
        monkeypatch.setenv("EMBEDDED_API_PORT", "8888")
        chosen = ports.from_environment(api=8080, issuer=8081)
        assert chosen == {"api": 8888, "issuer": 8081}

    def test_every_port_is_a_free_one_unless_it_is_chosen(self):
        assert set(up.PORTS.values()) == {0}
        assert sandbox_arguments().parse_args([]).port == 0


class TestEnvironment:
    def test_nothing_of_the_users_aws_settings_is_passed_on(self, monkeypatch):
        monkeypatch.setenv("AWS_PROFILE", "production")
        monkeypatch.setenv("AWS_CA_BUNDLE", "/missing.pem")
        child = environment.for_child()
        assert "AWS_PROFILE" not in child
        assert "AWS_CA_BUNDLE" not in child
        assert child["AWS_CONFIG_FILE"] == os.devnull

    def test_a_client_reads_no_profile(self, monkeypatch):
        monkeypatch.setenv("AWS_PROFILE", "production")
        credentials = environment.session().get_credentials()
        assert credentials.access_key == environment.ACCESS_KEY_ID


@pytest.mark.embedded
class TestStack:
    def test_an_emulator_that_dies_is_quoted(self):
        stack = Stack(settings={"EMULATOR_WORKERS_PER_FUNCTION": "many"})
        with pytest.raises(EmulatorError, match=r"invalid literal.*many"):
            stack.start()

    def test_a_failed_deployment_names_the_resource(self, tmp_path):
        key = {"Type": "AWS::KMS::Key", "Properties": {"KeySpec": "NO_SUCH_SPEC"}}
        (tmp_path / "packages").mkdir()
        (tmp_path / "packaged.json").write_text(yaml.safe_dump({"Resources": {"OneKey": key}}))
        with Stack() as stack:
            clients = {name: stack.client(name) for name in ("cloudformation", "s3")}
            with pytest.raises(DeploymentError, match=r"OneKey \(AWS::KMS::Key\): .*NO_SUCH_SPEC"):
                deploy("broken", Build(tmp_path), {}, **clients)

    def test_nothing_is_left_however_it_ends(self):
        endings = {
            signal.SIGINT: holding_a_stack(),
            signal.SIGTERM: holding_a_stack(),
            signal.SIGKILL: holding_a_stack(),
        }
        for ending, holder in endings.items():
            emulator, directory = holder.stdout.readline().split()
            holder.send_signal(ending)
            holder.wait()
            wait_until_gone(int(emulator)), ending
            if ending is signal.SIGKILL:  # nobody was there to do it; the next stack does
                stack_module._forget_killed_stacks()
            assert not Path(directory).exists()
            holder.stdout.close()


def holding_a_stack():
    return subprocess.Popen(
        [sys.executable, "-c", HOLDING_A_STACK],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until_gone(group):
    with suppress(ProcessLookupError):
        while True:
            os.killpg(group, 0)
            time.sleep(0.05)


def test_layers_are_deployed_with_the_byte_code_of_each_module():
    layers = 0
    for package in build().packages:
        if package.suffix == ".zip":
            names = set(ZipFile(package).namelist())
            modules = {name for name in names if re.match(r"python/.*\.py$", name)}
            compiled = {cache_from_source(name) for name in modules}
            assert compiled <= names
            layers += bool(modules)
    assert layers == 2
