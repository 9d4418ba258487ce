"""The embedded stack: emulator, deployed template and a front door for each API."""

import atexit
import functools
import os
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from botocore.config import Config

from local import environment, ports
from local.build import ROOT, WORK, BuildError, build
from local.deployment import DeploymentError, apis_of_outputs, deploy, made_so_far
from local.front_door import FrontDoor
from local.process import ChildProcess

STACK_NAME = "cardvault"
RUNTIME_PYTHON = ROOT / ".venv-runtime" / "bin" / "python"
HEALTHY_WITHIN_S = 120.0
HEALTH_POLL_S = 0.05
LAST_LINES = 20
DIRECTORY_PREFIX = "cardvault-stack-"


class EmulatorError(RuntimeError):
    """The emulator did not start; the message ends with its last lines."""


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

        with Stack(doors={"api": "ApiId", "issuer": "IssuerApiId"}) as stack:
            stack.deploy({"IssuerUrl": stack.doors["issuer"].url})
            requests.get(stack.doors["api"].url + "/claim")

    `doors` maps each front door to the stack output that holds its API's id. `fixed_ports` maps
    `aws` or the name of a door to a port number; everything else gets a free port. `settings` are
    environment variables of the emulator, such as `SFN_WAIT_SCALE`. Everything is in memory, unless
    `state` names a folder to keep it in; addresses are kept too, so that takes fixed ports.
    """

    def __init__(
        self,
        template: Path = ROOT / "template.yaml",
        *,
        doors: Mapping[str, str] | None = None,
        fixed_ports: Mapping[str, int] | None = None,
        auth: bool = False,
        settings: Mapping[str, str] | None = None,
        function_python: Path | None = None,
        state: Path | None = None,
    ) -> None:
        self._template = template
        self._api_outputs = dict(doors or {})
        self._fixed_ports = dict(fixed_ports or {})
        self._settings = {
            "AUTH": str(auth).lower(),
            **(_kept_in(state) if state else {}),
            **(settings or {}),
        }
        self._function_python = function_python or default_function_python()
        self._directory: Path | None = None
        self._emulator: ChildProcess | None = None
        self._aws_port = 0
        self._session = environment.session()
        self.doors: dict[str, FrontDoor] = {}
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
        return f"http://{ports.HOST}:{self._aws_port}"

    def start(self) -> None:
        """Reserve the ports and start the emulator."""
        began = time.monotonic()
        atexit.register(self.stop)
        _forget_killed_stacks()
        self._directory = Path(tempfile.mkdtemp(prefix=f"{DIRECTORY_PREFIX}{os.getpid()}-"))
        try:
            self._aws_port = ports.available(self._fixed_ports.get("aws", 0), "aws")
            for name in self._api_outputs:
                self.doors[name] = FrontDoor(name, self._fixed_ports.get(name, 0))
            self._start_emulator(self._directory)
        except BaseException:
            self.stop()
            raise
        self.seconds["start"] = time.monotonic() - began

    def deploy(self, parameters: Mapping[str, str] | None = None) -> dict[str, str]:
        """Build the template if its sources changed, deploy it and open the doors."""
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
                self._open_doors, apis_of_outputs(built), set(self.doors)
            ),
        )
        for name, output in self._api_outputs.items():
            if output in self.outputs:
                self.doors[name].attach(self._aws_port, self.outputs[output])
        self.seconds["deploy"] = time.monotonic() - began
        return self.outputs

    def _open_doors(self, apis: Mapping[str, str], waiting: set[str]) -> None:
        """Open each waiting door as soon as its API is made: the deployment itself may call it."""
        made = made_so_far(STACK_NAME, self.client("cloudformation")) if waiting else {}
        for name in list(waiting):
            api = made.get(apis.get(self._api_outputs[name], ""))
            if api:
                self.doors[name].attach(self._aws_port, api)
                waiting.remove(name)

    def stop(self) -> None:
        """Stop everything that was started and remove its files; safe to call again."""
        atexit.unregister(self.stop)
        emulator, self._emulator = self._emulator, None
        if emulator is not None:
            emulator.stop()
        while self.doors:
            self.doors.popitem()[1].close()
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
        return self._emulator.output() if self._emulator else ""

    def _start_emulator(self, directory: Path) -> None:
        self._emulator = ChildProcess(
            [sys.executable, "-m", "local.emulator"],
            environment.for_child(
                BIND_HOST=ports.HOST,
                GATEWAY_PORT=str(self._aws_port),
                LAMBDA_PYTHON=str(self._function_python),
                EMULATOR_LAYER_CACHE=str(WORK / "unpacked-layers"),
                EMULATOR_EXIT_WITH_STDIN="1",
                TMPDIR=str(directory),
                **self._settings,
            ),
            directory=ROOT,
            log=directory / "emulator.log",
        )
        give_up_at = time.monotonic() + HEALTHY_WITHIN_S
        while not self._is_healthy():
            if self._emulator.exit_status() is not None or time.monotonic() > give_up_at:
                message = f"the emulator did not start:\n{self._emulator.output(LAST_LINES)}"
                raise EmulatorError(message)
            time.sleep(HEALTH_POLL_S)

    def _is_healthy(self) -> bool:
        try:
            address = f"{self.aws_url}/_ministack/health"
            with urllib.request.urlopen(address, timeout=1) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except OSError:
            return False


def _kept_in(folder: Path) -> dict[str, str]:
    """Return the settings that let the emulator save its state when it is stopped."""
    return {
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
    }


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


def default_function_python() -> Path:
    """Choose the interpreter for the functions: one that holds nothing the layers should bring."""
    return RUNTIME_PYTHON if RUNTIME_PYTHON.exists() else Path(sys.executable)


def stop_on_terminate() -> None:
    """Make SIGTERM leave by an exception, so that every `with` and `finally` is done."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
