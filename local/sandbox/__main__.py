"""`python -m local.sandbox --port N --key KEY`: the supplier sandbox until it is interrupted."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from local.sandbox.server import SupplierSandbox


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="python -m local.sandbox",
        description="A local stand-in for the gift-card supplier, on the loopback address only.",
    )
    add = made.add_argument
    add("--port", type=port, default=0, help="default: a free one, printed")
    add("--key", help="the access token it accepts; default: a new one, printed")
    add("--handling-seconds", type=amount, default=3.0, help="how long orders are HANDLING")
    add("--production-like", action="store_true", help="with prices, stock, balance and ledger")
    add("--balance", type=amount, default=50_000.0, help="opening balance in dinars")
    add("--prefix", default="SANDBOX", help="what card codes begin with")
    add("--verbose", action="store_true", help="a line per request on stderr")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 2 when the port cannot be had."""
    chosen = parser().parse_args(arguments)
    sandbox = SupplierSandbox(
        chosen.port,
        chosen.key,
        handling_s=chosen.handling_seconds,
        production_like=chosen.production_like,
        balance=chosen.balance,
        prefix=chosen.prefix,
        log=_to_stderr if chosen.verbose else None,
    )
    try:
        sandbox.start()
    except OSError as error:
        _to_stderr(f"supplier sandbox: cannot listen on port {chosen.port}: {error.strerror}")
        return 2
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    print(f"supplier sandbox at {sandbox.url}", flush=True)
    if not chosen.key:
        print(f"access token: {sandbox.key}", flush=True)
    over.wait()
    sandbox.stop()
    return 0


def port(text: str) -> int:
    """Read a port number."""
    value = int(text)
    if not 0 <= value <= 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return value


def amount(text: str) -> float:
    """Read seconds or dinars."""
    value = float(text)
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError("must be a number from 0")
    return value


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
