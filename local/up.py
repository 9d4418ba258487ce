"""`make up` and `make down`: serve the embedded stack, and stop it from anywhere.

The serving process holds a lock on .local/up.pid for as long as it lives, so a stale file never
makes `make down` stop somebody else's process.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cardvault.identity.clients import SCOPES
from local.cardvault import Cardvault, running
from local.console import Console
from local.stack.build import WORK
from local.stack.embedded import STARTUP_ERRORS
from local.stack.ports import from_environment

PID_FILE = WORK / "up.pid"
PORTS = {"api": 0, "issuer": 0, "supplier": 0, "console": 0, "aws": 0}  # free ones
STOPS_WITHIN_S = 30.0


class AlreadyUpError(RuntimeError):
    """Another `make up` of this checkout is serving."""


MENDABLE: tuple[type[Exception], ...] = (*STARTUP_ERRORS, AlreadyUpError)


def serve() -> int:
    """Serve until SIGINT or SIGTERM."""
    try:
        ports = from_environment(**PORTS)
        console_port = ports.pop("console")
        with (
            _only_one(PID_FILE),
            running(fixed_ports=ports, progress=_say) as vault,
            Console(vault, console_port) as console,
        ):
            console.place_example()
            _introduce(vault, console)
            _wait_for_a_signal()
            _say("stopping")
    except MENDABLE as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _wait_for_a_signal() -> None:
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    asked_to_stop.wait()


def stop() -> int:
    """Stop the serving process and wait until it is gone."""
    if not PID_FILE.exists() or _is_free(PID_FILE):
        _say("nothing is up")
        return 0
    os.kill(int(PID_FILE.read_text()), signal.SIGTERM)
    give_up_at = time.monotonic() + STOPS_WITHIN_S
    while not _is_free(PID_FILE):
        if time.monotonic() > give_up_at:
            print(f"still up after {STOPS_WITHIN_S:.0f} s", file=sys.stderr)
            return 1
        time.sleep(0.1)
    _say("down")
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = "already up: `make down` stops it"
            raise AlreadyUpError(message) from None
        path.write_text(str(os.getpid()))
        yield


def _is_free(path: Path) -> bool:
    with path.open("a") as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _introduce(vault: Cardvault, console: Console) -> None:
    shop = vault.shop("local shop", SCOPES)
    _say(
        f"""
console            {console.url}            order, follow, look at the trail
mailbox            {console.url}/mailbox    the mails, their links working
API                {vault.api_url}
supplier sandbox   {vault.supplier.url}
AWS                AWS_ENDPOINT_URL={vault.stack.aws_url}

Each step, ready to paste:

# 1. an access token for the shop's user alice
TOKEN=$(curl -s {vault.api_url}/v2/token -u {shop.client_id}:{shop.client_secret} \\
    -d grant_type=client_credentials -d user_id=alice \\
    -d "scope=orders:read orders:write cards:reveal audit:read" \\
    | sed 's/.*"access_token":"//; s/".*//')

# 2. order 3 cards (a typeId of TEST_PARTIAL, TEST_REFUND or FAULT_<NAME> chooses another ending)
ORDER=$(curl -s {vault.api_url}/api/orders -H "Authorization: Bearer $TOKEN" \\
    -H "Idempotency-Key: order-$(date +%s)" -H 'Content-Type: application/json' \\
    -d '{{"productId":"507f1f77bcf86cd799439011","typeId":"PSN-500","quantity":3,
         "delivery":{{"email":"ada@customer.example"}}}}' \\
    | sed 's/.*"orderId":"//; s/".*//')

# 3. where it stands
curl -s {vault.api_url}/api/orders/$ORDER -H "Authorization: Bearer $TOKEN"

# 4. the codes, once it is fulfilled
curl -s {vault.api_url}/api/orders/$ORDER/cards -H "Authorization: Bearer $TOKEN"

# 5. everything that happened to it
curl -s {vault.api_url}/api/orders/$ORDER/audit -H "Authorization: Bearer $TOKEN"

# 6. a file of the codes, once: the answer's downloadUrl works one time
curl -s {vault.api_url}/api/orders/$ORDER/downloads -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' -d '{{"format":"txt"}}'

# 7. all of alice's orders
curl -s {vault.api_url}/api/orders -H "Authorization: Bearer $TOKEN"

# 8. shred the codes of the order. A token has only the scopes that were asked for, of
#    {" ".join(SCOPES)}
TOKEN=$(curl -s {vault.api_url}/v2/token -u {shop.client_id}:{shop.client_secret} \\
    -d grant_type=client_credentials -d user_id=alice -d scope=cards:shred \\
    | sed 's/.*"access_token":"//; s/".*//')
curl -s -X DELETE {vault.api_url}/api/orders/$ORDER/cards -H "Authorization: Bearer $TOKEN"

Ctrl-C or `make down` stops it. Everything is in memory and goes with it."""
    )


if __name__ == "__main__":
    sys.exit(stop() if "--stop" in sys.argv else serve())
