"""The process of the emulator: started, watched until it is healthy, and stopped."""

import socket
import sys
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from local.loopback import HOST
from local.stack import environment
from local.stack.build import ROOT, WORK
from local.stack.process import ChildProcess

RUNTIME_PYTHON = ROOT / ".venv-runtime" / "bin" / "python"
HEALTHY_WITHIN_S = 120.0
HEALTH_POLL_S = 0.05
LAST_LINES = 20


class EmulatorError(RuntimeError):
    """The emulator did not start; the message ends with its last lines."""


class Emulator:
    """Started when it is made; `settings` are its environment variables.

    It inherits the socket of its port, so that no other process gets the port before it listens.
    """

    def __init__(
        self, reserved: socket.socket, settings: Mapping[str, str], directory: Path
    ) -> None:
        port = int(reserved.getsockname()[1])
        self._health = f"http://{HOST}:{port}/_ministack/health"
        self._process = ChildProcess(
            [sys.executable, "-m", "local.emulator"],
            environment.for_child(
                BIND_HOST=HOST,
                GATEWAY_PORT=str(port),
                EMULATOR_SOCKET=str(reserved.fileno()),
                EMULATOR_LAYER_CACHE=str(WORK / "unpacked-layers"),
                EMULATOR_EXIT_WITH_STDIN="1",
                TMPDIR=str(directory),
                **settings,
            ),
            directory=ROOT,
            log=directory / "emulator.log",
            inherited=[reserved.fileno()],
        )

    def expect_healthy(self) -> None:
        """Wait until it answers. Raises EmulatorError."""
        give_up_at = time.monotonic() + HEALTHY_WITHIN_S
        while not self._is_healthy():
            if self._process.exit_status() is not None or time.monotonic() > give_up_at:
                message = f"the emulator did not start:\n{self._process.output(LAST_LINES)}"
                raise EmulatorError(message)
            time.sleep(HEALTH_POLL_S)

    def log(self) -> str:
        """What it has written."""
        return self._process.output()

    def stop(self) -> None:
        """End the process."""
        self._process.stop()

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self._health, timeout=1) as answer:  # noqa: S310 - loopback
                return bool(answer.status == 200)
        except (OSError, HTTPException):
            return False


def kept_in(folder: Path) -> dict[str, str]:
    """Return the settings that let the emulator save its state when it is stopped."""
    return {
        "PERSIST_STATE": "1",
        "S3_PERSIST": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
    }


def default_function_python() -> Path:
    """Choose the interpreter for the functions: one that holds nothing the layers should bring."""
    return RUNTIME_PYTHON if RUNTIME_PYTHON.exists() else Path(sys.executable)
