"""Lambda: run Python functions under AWS's own runtime interface client."""

import array
import fcntl
import functools
import io
import os
import queue
import shlex
import sys
import termios
import time
import zipfile
from typing import Any

from ministack.core import lambda_runtime, responses
from ministack.services import lambda_svc

from local.emulator import lambda_layers, lambda_pool
from local.loopback import GuardedHandler

LAMBDA_PYTHON = os.environ.get("LAMBDA_PYTHON", sys.executable)
"""The interpreter the functions run in: awslambdaric and nothing the layers should bring."""
LOG_POLL_S = 0.001
LOG_WAIT_MAX_S = 0.25


def fill_gaps() -> None:
    """Run python functions in `RuntimeWorker`s, with the environment AWS gives them."""
    worker_class = lambda_runtime._worker_class_for
    warm = lambda_svc._execute_function_warm

    def choose_worker_class(config: dict[str, Any]) -> Any:
        return RuntimeWorker if _is_python(config) else worker_class(config)

    def execute(function: dict[str, Any], event: object, request_id: str) -> Any:
        if _is_python(function.get("config") or function):
            return lambda_svc._execute_function_provided_warm(function, event, request_id)
        return warm(function, event, request_id)

    lambda_runtime._worker_class_for = choose_worker_class
    lambda_svc._execute_function_warm = execute
    lambda_svc._provided_worker_env = function_environment
    lambda_pool.fill_gaps()


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


class RuntimeWorker(lambda_runtime.ProvidedWorker):  # type: ignore[misc]
    """One execution environment: a process under awslambdaric.

    Fills a gap: the emulator's own worker calls every exception `Runtime.HandlerError`, so that no
    Retry or Catch of a state machine matches, and it kills the process after each one.
    """

    def __init__(self, name: str, config: dict[str, Any], code_zip: bytes) -> None:
        super().__init__(name, config, _with_bootstrap(code_zip))

    def _build_handler_class(self, generation: int, pending: "queue.Queue[Any]") -> Any:
        """Fill a gap (a stall of 40 ms per invocation), let SnapStart restore, keep pages out."""
        emulated: Any = super()._build_handler_class(generation, pending)

        class RuntimeApi(GuardedHandler, emulated):  # type: ignore[misc]
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self) -> None:  # noqa: N802 - the server's name for it
                if self.path.endswith("/runtime/restore/next"):
                    self._respond(200)
                else:
                    super().do_GET()

        return RuntimeApi

    def _drain_stderr_bounded(self, *_waits: float, **_named_waits: float) -> str:
        """Fill a gap: take the lines of this invocation; the emulator waits 50 ms for silence.

        What the function wrote before it answered is already in the pipe, so reading until the
        pipe and the queue are both empty, twice, loses nothing and waits for nothing.
        """
        lines: list[str] = []
        empty_looks = 0
        give_up_at = time.monotonic() + LOG_WAIT_MAX_S
        while empty_looks < 2 and time.monotonic() < give_up_at:
            try:
                lines.append(self._stderr_queue.get_nowait())
                empty_looks = 0
            except queue.Empty:
                empty_looks = 0 if _unread_bytes(self._proc) else empty_looks + 1
                time.sleep(LOG_POLL_S)
        return "\n".join(lines)


def _unread_bytes(process: Any) -> int:
    """Count what the process has written and nobody has read yet."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(process.stdout, termios.FIONREAD, count)
    except (AttributeError, OSError, ValueError):
        return 0  # the process is gone and its pipe closed
    return count[0]


@functools.lru_cache(maxsize=64)
def _with_bootstrap(code_zip: bytes) -> bytes:
    """Add the `bootstrap` a custom runtime starts with: here it starts awslambdaric."""
    script = f'#!/bin/sh\nexec {shlex.quote(LAMBDA_PYTHON)} -m awslambdaric "$_HANDLER"\n'
    package = io.BytesIO(code_zip)
    with zipfile.ZipFile(package, "a") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = 0o755 << 16
        archive.writestr(bootstrap, script)
    return package.getvalue()


def function_environment(config: dict[str, Any], code_dir: str, port: int) -> dict[str, str]:
    """Build a function's environment as AWS does.

    Fills a gap: the emulator passes on everything from its own environment, so a
    function would see the machine's settings and the emulator's own.
    """
    name = config["FunctionName"]
    region = responses.get_region()
    logging = config.get("LoggingConfig") or {}
    snap_started = (config.get("SnapStart") or {}).get("OptimizationStatus") == "On"
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": ":".join([code_dir, *lambda_layers.python_paths(config)]),
        "LAMBDA_TASK_ROOT": code_dir,
        "_HANDLER": config["Handler"],
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if snap_started else "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat", "Text"),
        "AWS_LAMBDA_LOG_LEVEL": logging.get("ApplicationLogLevel", ""),
        "AWS_LAMBDA_LOG_GROUP_NAME": logging.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": responses.new_uuid(),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        # Not of AWS: where the emulator is, and that the machine's own AWS files are not read.
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        lambda_runtime.HOST_PREFIX_ENV: "true",
    }
    return {
        **environment,
        **lambda_runtime.execution_credentials(config),
        **lambda_svc._runtime_env_vars(config),
    }
