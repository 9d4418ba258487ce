"""A child process that is gone when it should be, with everything it started."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

STOP_WITHIN_S = 10.0


class ChildProcess:
    """A process in a group of its own, with its output in a file.

    It inherits the given file descriptors under their numbers. Its stdin is a pipe that closes when
    this process ends, however it ends: a child that watches it can stop by itself.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
        inherited: Sequence[int] = (),
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=inherited,
            )

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Return how the process ended, or None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait for the process to end by itself and return how."""
        return self._process.wait()

    def output(self, last_lines: int | None = None) -> str:
        """Return what the process wrote."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-last_lines:] if last_lines else lines)

    def stop(self) -> None:
        """Ask the process to stop, wait, and end whatever is left of its group."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_WITHIN_S)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
