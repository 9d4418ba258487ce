"""Everything the sandbox remembers, behind one lock."""

import hmac
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from local.sandbox.account import Account
from local.sandbox.fault_injection import FaultInjection
from local.sandbox.messages import Json, Refused, invalid
from local.sandbox.orders import OrderBook

TRIES = 5
LOCKOUT_MS = 15 * 60 * 1000
MAX_PREFIX = 64


@dataclass(frozen=True)
class Options:
    """What a sandbox is started with and goes back to on reset."""

    key: str
    handling_s: float = 3.0
    production_like: bool = False
    balance: float = 50_000.0
    prefix: str = "SANDBOX"


class AccessControl:
    """The access token: five wrong ones in a row block everyone for 15 minutes.

    The supplier blocks the address; here there is one.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._failures = 0
        self._blocked_until = 0

    def holds(self, token: str | None) -> bool:
        """Whether this is the key, with nothing counted."""
        return token is not None and hmac.compare_digest(token.encode(), self._key)

    def admit(self, token: str | None, now_ms: int) -> None:
        """Let the request in, or refuse it with the documented code."""
        if now_ms < self._blocked_until:
            message = "Your IP has been temporarily blocked due to too many invalid attempts"
            raise Refused(403, "IP_BLOCKED", message)
        if not token:
            raise Refused(401, "MISSING_ACCESS_TOKEN", "Access token is required")
        if self.holds(token):
            self._failures = 0
            return
        self._failures += 1
        left = TRIES - self._failures
        if left == 0:
            self._failures, self._blocked_until = 0, now_ms + LOCKOUT_MS
        message = "The provided access token is invalid"
        raise Refused(401, "INVALID_ACCESS_TOKEN", message, details={"attemptsLeft": left})


class State:
    """The sandbox's memory. Hold `lock` for the length of a request."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self.options = options
        self.lock = threading.RLock()
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget every order, count, fault, debit and wrong key."""
        with self.lock:
            options = self.options
            self.access = AccessControl(options.key)
            self.orders = OrderBook(round(options.handling_s * 1000))
            self.account = Account(
                round(options.balance * 100),
                self.now_ms(),
                production_like=options.production_like,
            )
            self.faults = FaultInjection()
            self.prefix = options.prefix
            self.requests: Counter[str] = Counter()
            self.checks: Counter[str] = Counter()
            self.listed: Counter[str] = Counter()
            self.asked: Counter[str] = Counter()

    def now_ms(self) -> int:
        """Read the clock in whole milliseconds, which is all the API shows."""
        return int(self._clock() * 1000)

    def set_prefix(self, prefix: object) -> str:
        """Begin the codes of orders placed from now on with this; any text, to test escaping."""
        if not isinstance(prefix, str) or not 1 <= len(prefix) <= MAX_PREFIX:
            message = f"prefix must be a text of 1 to {MAX_PREFIX} characters"
            raise invalid(message)
        self.prefix = prefix
        return prefix

    def counts(self) -> Json:
        """Count what was asked of the sandbox.

        `{"routes": {name: arrivals}, "placed": {"<productId>/<typeId>": {asked, committed}},
        "orders": {orderId: {checks, listed}}}`. `routes` and `checks` count every arrival, refused
        ones too; `asked` counts valid placeOrder bodies that neither the key nor an armed fault
        turned away, `committed` the orders that came of them.
        """
        with self.lock:
            orders = self.orders.newest_first()
            committed = Counter(wanted_key(o.wanted.product_id, o.wanted.type_id) for o in orders)
            return {
                "routes": dict(self.requests),
                "placed": {
                    key: {"asked": asked, "committed": committed[key]}
                    for key, asked in self.asked.items()
                },
                "orders": {
                    order.order_id: {
                        "checks": self.checks[order.order_id],
                        "listed": self.listed[order.order_id],
                    }
                    for order in orders
                },
            }


def wanted_key(product_id: str, type_id: str) -> str:
    """Name what placements are counted by."""
    return f"{product_id}/{type_id}"
