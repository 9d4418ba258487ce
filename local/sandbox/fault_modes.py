"""The named fault modes, and how a request or a typeId names one.

A mode is of one of two kinds. A *request* mode alters the answer to a request. An *order* mode is
given to an order when it is placed and shows each time that order is read.
"""

import re
from dataclasses import dataclass
from typing import Literal

from local.sandbox.messages import invalid

PLACE, CHECK = "placeOrder", "checkOrder"
ROUTES = (
    "ping",
    "validate",
    "balance",
    "transactions",
    "catalog",
    "checkProduct",
    PLACE,
    CHECK,
    "list",
)
TYPE_PREFIX = "FAULT_"

_SECONDS = r"\d{1,5}(\.\d{1,3})?"
_COUNT = r"\d{1,5}"
_SCRIPT_WORDS = "handling|outage|throttled|blocked"
_SCRIPT = rf"({_SCRIPT_WORDS})(\.({_SCRIPT_WORDS}))*(\.x\d{{1,3}})?"
_KEY_CODES = "INVALID_ACCESS_TOKEN|IP_BLOCKED|IP_NOT_ALLOWED|API_DISABLED|AUTH_UNAVAILABLE"


@dataclass(frozen=True)
class Mode:
    """What a mode does, what its argument may be and where it applies.

    `home` is the only route it alters unless it may apply `anywhere`. `burst` says how many answers
    it alters when a `typeId` chose it: every one, the first, or as many as its argument says or
    its script has steps.
    """

    does: str
    argument: str = ""
    default: str = ""
    pattern: str = ""
    kind: Literal["order", "request"] = "request"
    home: str = PLACE
    anywhere: bool = False
    burst: Literal["all", "first", "argument", "script"] = "all"


MODES: dict[str, Mode] = {
    "slow_fulfilment": Mode(
        "The order stays HANDLING for that many seconds.", "seconds", "30", _SECONDS, "order"
    ),
    "never_final": Mode("The order stays HANDLING for ever.", kind="order"),
    "unknown_status": Mode(
        "After HANDLING the order says PENDING_REVIEW for that many seconds, then it is final.",
        "seconds",
        "10",
        _SECONDS,
        "order",
    ),
    "changing_answer": Mode(
        "The cards of the final order differ each time it is read.", kind="order"
    ),
    "duplicate_codes": Mode(
        "A code comes twice: within one order, or across all orders of this fault.",
        "within or across",
        "within",
        "within|across",
        "order",
    ),
    "timeout_after_commit": Mode(
        "The order is placed and the answer withheld for that many seconds.",
        "seconds",
        "30",
        _SECONDS,
    ),
    "error_after_commit": Mode("The order is placed and the answer is 503 SERVICE_UNAVAILABLE."),
    "connection_reset": Mode(
        "The connection is reset before or after the order is placed.",
        "before or after",
        "after",
        "before|after",
        anywhere=True,
    ),
    "rate_limited": Mode(
        "429 RATE_LIMIT_EXCEEDED with Retry-After, and nothing done.",
        "Retry-After in seconds",
        "1",
        _COUNT,
        anywhere=True,
        burst="first",
    ),
    "server_errors": Mode(
        "A burst of 500 INTERNAL_ERROR and 503 SERVICE_UNAVAILABLE in turn, and nothing done.",
        "how many, 0 for all",
        "2",
        _COUNT,
        anywhere=True,
        burst="argument",
    ),
    "malformed_json": Mode(
        "200 with broken JSON; where cards are read, it strikes once codes are in the answer.",
        "how many, 0 for all",
        "1",
        _COUNT,
        home=CHECK,
        anywhere=True,
        burst="argument",
    ),
    "script": Mode(
        "Readings go as the script says, HANDLING among them, and well once it is played.",
        "handling, outage, throttled, blocked, joined by dots; .x30 at the end plays it 30 times",
        "outage",
        _SCRIPT,
        home=CHECK,
        burst="script",
    ),
    "missing_fields": Mode(
        "Optional fields are null or absent: no meta, no requestId, no serials.",
        home=CHECK,
        anywhere=True,
    ),
    "wrong_key": Mode(
        "The right key is refused, with that error code.",
        "error code",
        "INVALID_ACCESS_TOKEN",
        _KEY_CODES,
        anywhere=True,
    ),
    "out_of_stock": Mode("403 ERR_STOCK, and nothing bought."),
    "no_balance": Mode("403 NO_BALANCE, and nothing bought."),
}

FAULTS: dict[str, str] = {name: mode.does for name, mode in MODES.items()}


@dataclass(frozen=True)
class Fault:
    """A mode with its argument, and the one route it applies to (None: wherever it can)."""

    name: str
    argument: str
    route: str | None

    @classmethod
    def make(cls, name: str, argument: str = "", route: str | None = None) -> "Fault":
        """Check all three. Refuses (400) an unknown mode, a bad argument, an impossible route."""
        mode = MODES.get(name)
        if mode is None:
            message = f"unknown fault mode, choose one of: {', '.join(MODES)}"
            raise invalid(message)
        argument = argument or mode.default
        if not re.fullmatch(mode.pattern, argument):
            message = f"the argument of {name} is: {mode.argument or 'none'}"
            raise invalid(message)
        if route is not None and route not in (ROUTES if mode.anywhere else (mode.home,)):
            message = f"{name} cannot apply to route {route!r}"
            raise invalid(message)
        return cls(name, argument, route)

    @property
    def mode(self) -> Mode:
        """The mode's description."""
        return MODES[self.name]

    def applies_to(self, route: str) -> bool:
        """Whether it alters answers of this route. Without a route, ping stays out of it."""
        if self.mode.kind == "order":
            return False
        if self.route is not None:
            return route == self.route
        return route == self.mode.home or (self.mode.anywhere and route != "ping")

    def burst(self) -> int | None:
        """How many answers it alters when a typeId chose it; None for every one."""
        if self.mode.burst == "argument":
            return int(self.argument) or None
        if self.mode.burst == "script":
            return len(script_of(self.argument))
        return 1 if self.mode.burst == "first" else None


def script_of(argument: str) -> list[str]:
    """Spell a script out, with its repetitions: `outage.handling.x2` has four steps."""
    *words, last = argument.split(".")
    if last.startswith("x"):
        return words * int(last[1:])
    return [*words, last]


def fault_of_type(type_id: str) -> Fault | None:
    """Read the fault a typeId asks for: `FAULT_<NAME>[:<argument>[:<route>]]`.

    A misspelt one is refused (400): an ordinary order in its place would make a test pass for
    nothing.
    """
    if not type_id.startswith(TYPE_PREFIX):
        return None
    name, argument, route, *rest = [*type_id.removeprefix(TYPE_PREFIX).split(":"), "", ""]
    if any(rest):
        raise invalid("a fault typeId is FAULT_<NAME>[:<argument>[:<route>]]")
    name = name.lower()
    return Fault.make(name, argument, route or (MODES[name].home if name in MODES else None))
