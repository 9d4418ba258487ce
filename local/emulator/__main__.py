"""Start the emulator: `python -m local.emulator` (GATEWAY_PORT, AUTH… as ministack reads them).

Without GATEWAY_PORT it takes a free port and prints its address.

EMULATOR_STOCK=1 starts it with all its gaps, to see which of them a new version still has:
`EMULATOR_STOCK=1 pytest --timeout=60 tests/embedded/gaps`.
"""

import logging
import os
import shutil
import signal
import sys
import tempfile
import threading

from local.stack import ports

DEFAULTS = {
    "BIND_HOST": "127.0.0.1",
    "AWS_SECRET_ACCESS_KEY": "test",
    "SFTP_ENABLED": "0",
    "IOT_MTLS_ENABLED": "0",
    "LAMBDA_EXECUTOR": "local",
}


def main() -> None:
    """Run the emulator until SIGTERM, or until the process that started it is gone."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if "GATEWAY_PORT" not in os.environ:
        reserved = ports.reserve(0, "aws")
        os.environ["GATEWAY_PORT"] = str(reserved.getsockname()[1])
        os.environ["EMULATOR_SOCKET"] = str(reserved.detach())
        print(f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}", flush=True)
    if os.environ.get("EMULATOR_EXIT_WITH_STDIN"):
        threading.Thread(target=_stop_when_stdin_closes, daemon=True).start()
    files = tempfile.mkdtemp(prefix="cardvault-emulator-")
    tempfile.tempdir = os.environ["TMPDIR"] = files
    os.environ.setdefault("STATE_DIR", f"{files}/state")
    sys.argv = sys.argv[:1]
    try:
        _run()
    finally:
        shutil.rmtree(files, ignore_errors=True)


def _run() -> None:
    # The emulator reads its settings when it is imported, so not before they are made.
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack import app  # noqa: PLC0415

    from local.emulator import door, gaps, lambda_pool  # noqa: PLC0415

    if not os.environ.get("EMULATOR_STOCK"):
        gaps.fill()
    app.app = door.guard(app.app)
    if number := os.environ.pop("EMULATOR_SOCKET", None):
        # The emulator would ask for its port by number; it gets the socket that holds it.
        Config.bind = property(lambda _: [f"fd://{number}"], lambda *_: None)  # type: ignore[assignment,method-assign]
    Config.graceful_timeout = 0.5  # seconds; nobody waits for a kept connection to end
    logging.getLogger("hypercorn.access").setLevel(logging.WARNING)
    try:
        app.main()
    finally:
        lambda_pool.kill_workers()


def _stop_when_stdin_closes() -> None:
    """Stop when the other end of stdin is gone: even a killed parent leaves nothing behind."""
    while sys.stdin.buffer.read(1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
