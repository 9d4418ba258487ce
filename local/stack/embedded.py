"""The embedded stack: emulator, deployed template and a reverse proxy for each API."""

import atexit
import functools
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from botocore.config import Config

from local.loopback import HOST
from local.stack import environment, ports
from local.stack.build import ROOT, BuildError, build
from local.stack.deployment import DeploymentError, apis_of_outputs, deploy, made_so_far
from local.stack.emulator_process import (
    Emulator,
    EmulatorError,
    default_function_python,
    kept_in,
)
from local.stack.reverse_proxy import ReverseProxy

STACK_NAME = "cardvault"
DIRECTORY_PREFIX = "cardvault-stack-"


# What a person can mend: each says what and how, and needs no traceback.
STARTUP_ERRORS: tuple[type[Exception], ...] = (
    ports.PortTakenError,
    BuildError,
    DeploymentError,
    EmulatorError,
)


class Stack:
    """A running copy of the product: `start`, then `deploy`, finally `stop`.

    Between `start` and `deploy` the addresses are known, so that they can be parameters:

        with Stack(api_outputs={"api": "ApiId", "issuer": "IssuerApiId"}) as stack:
            stack.deploy({"IssuerUrl": stack.proxies["issuer"].url})
            requests.get(stack.proxies["api"].url + "/claim")

    `api_outputs` maps the name of each reverse proxy to the stack output that holds its API's id.
    `fixed_ports` maps `aws` or such a name to a port number; everything else gets a free one.
    `settings` are environment variables of the emulator, such as `SFN_WAIT_SCALE`. Everything is in
    memory, unless `state` names a folder to keep it in; addresses are kept too, so that takes fixed
    ports.
    """

    def __init__(
        self,
        template: Path = ROOT / "template.yaml",
        *,
        api_outputs: Mapping[str, str] | None = None,
        fixed_ports: Mapping[str, int] | None = None,
        auth: bool = False,
        settings: Mapping[str, str] | None = None,
        function_python: Path | None = None,
        state: Path | None = None,
    ) -> None:
        self._template = template
        self._api_outputs = dict(api_outputs or {})
        self._fixed_ports = dict(fixed_ports or {})
        self._settings = {
            "AUTH": str(auth).lower(),
            "LAMBDA_PYTHON": str(function_python or default_function_python()),
            **(kept_in(state) if state else {}),
            **(settings or {}),
        }
        self._directory: Path | None = None
        self._emulator: Emulator | None = None
        self._aws_port = 0
        self._session = environment.session()
        self.proxies: dict[str, ReverseProxy] = {}
        self.outputs: dict[str, str] = {}
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def aws_url(self) -> str:
        """The address of the emulator, for AWS_ENDPOINT_URL."""
        return f"http://{HOST}:{self._aws_port}"

    def start(self) -> None:
        """Reserve the ports and start the emulator."""
        began = time.monotonic()
        atexit.register(self.stop)
        _forget_killed_stacks()
        self._directory = Path(tempfile.mkdtemp(prefix=f"{DIRECTORY_PREFIX}{os.getpid()}-"))
        try:
            with ports.reserve(self._fixed_ports.get("aws", 0), "aws") as reserved:
                self._aws_port = int(reserved.getsockname()[1])
                for name in self._api_outputs:
                    self.proxies[name] = ReverseProxy(name, self._fixed_ports.get(name, 0))
                self._emulator = Emulator(reserved, self._settings, self._directory)
            self._emulator.expect_healthy()
        except BaseException:
            self.stop()
            raise
        self.seconds["start"] = time.monotonic() - began

    def deploy(self, parameters: Mapping[str, str] | None = None) -> dict[str, str]:
        """Build the template if its sources changed, deploy it and open the proxies."""
        began = time.monotonic()
        built = build(self._template)
        self.seconds["build"] = time.monotonic() - began
        began = time.monotonic()
        self.outputs = deploy(
            STACK_NAME,
            built,
            parameters or {},
            cloudformation=self.client("cloudformation"),
            s3=self.client("s3"),
            while_waiting=functools.partial(
                self._open_proxies, apis_of_outputs(built), set(self.proxies)
            ),
        )
        for name, output in self._api_outputs.items():
            if output in self.outputs:
                self.proxies[name].attach(self._aws_port, self.outputs[output])
        self.seconds["deploy"] = time.monotonic() - began
        return self.outputs

    def _open_proxies(self, apis: Mapping[str, str], waiting: set[str]) -> None:
        """Open each waiting proxy as soon as its API is made: the deployment itself may call it."""
        made = made_so_far(STACK_NAME, self.client("cloudformation")) if waiting else {}
        for name in list(waiting):
            api = made.get(apis.get(self._api_outputs[name], ""))
            if api:
                self.proxies[name].attach(self._aws_port, api)
                waiting.remove(name)

    def stop(self) -> None:
        """Stop everything that was started and remove its files; safe to call again."""
        atexit.unregister(self.stop)
        emulator, self._emulator = self._emulator, None
        if emulator is not None:
            emulator.stop()
        while self.proxies:
            self.proxies.popitem()[1].close()
        directory, self._directory = self._directory, None
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)

    def client(self, service: str) -> Any:
        """Make a boto3 client for a service of the emulator."""
        return self._session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.aws_url,
            config=Config(
                inject_host_prefix=False,
                retries={"max_attempts": 0},
                s3={"addressing_style": "path"},
                signature_version="s3v4" if service == "s3" else None,
            ),
        )

    def logs(self) -> list[str]:
        """Return every line that any function has logged, oldest first."""
        logs = self.client("logs")
        events: list[tuple[int, str]] = []
        for groups in logs.get_paginator("describe_log_groups").paginate():
            for group in groups["logGroups"]:
                pages = logs.get_paginator("filter_log_events").paginate(
                    logGroupName=group["logGroupName"]
                )
                events += [
                    (event["timestamp"], event["message"])
                    for page in pages
                    for event in page["events"]
                ]
        return [message for _, message in sorted(events, key=lambda event: event[0])]

    def emulator_log(self) -> str:
        """Return what the emulator itself has written."""
        return self._emulator.log() if self._emulator else ""


def _forget_killed_stacks() -> None:
    """Remove the files of stacks whose process was killed before it could."""
    for directory in Path(tempfile.gettempdir()).glob(f"{DIRECTORY_PREFIX}*-*"):
        owner = directory.name.removeprefix(DIRECTORY_PREFIX).split("-")[0]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(directory, ignore_errors=True)
        except (ValueError, PermissionError):
            continue  # not one of ours


def stop_on_terminate() -> None:
    """Make SIGTERM leave by an exception, so that every `with` and `finally` is done."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
