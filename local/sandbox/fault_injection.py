"""Which faults are armed, and their injection into answers, with those that a typeId chose."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from local.sandbox.fault_effects import inject
from local.sandbox.fault_modes import PLACE, Fault
from local.sandbox.messages import Answer, Json, Refused, invalid


@dataclass
class Armed:
    """A fault waiting for requests; `times` None lasts until it is taken away."""

    number: int
    fault: Fault
    times: int | None
    used: int = 0

    @property
    def live(self) -> bool:
        """Whether it will be applied again."""
        return self.times is None or self.used < self.times

    def describe(self) -> Json:
        """As `GET /_sandbox/faults` lists it."""
        return {
            "id": self.number,
            "mode": self.fault.name,
            "argument": self.fault.argument,
            "route": self.fault.route,
            "times": self.times,
            "used": self.used,
        }


class FaultInjection:
    """The armed faults, oldest first, and how often each chosen fault was applied."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []
        self._numbers = 0
        self._injected: Counter[str] = Counter()

    def arm(
        self, mode: str, argument: str = "", times: int | None = None, route: str | None = None
    ) -> Json:
        """Arm a mode for the next `times` requests it applies to, or until it is taken away."""
        fault = Fault.make(mode, argument, route)
        if times is None and fault.mode.burst == "argument":
            times = fault.burst()
        if times is not None and times < 1:
            raise invalid("times is a whole number from 1, or absent: until it is taken away")
        self._numbers += 1
        armed = Armed(self._numbers, fault, times)
        self._armed.append(armed)
        return armed.describe()

    def disarm(self, number: int | None = None) -> int:
        """Take one fault away, or all; how many went."""
        kept = [armed for armed in self._armed if number is not None and armed.number != number]
        gone = len(self._armed) - len(kept)
        self._armed = kept
        return gone

    def armed(self) -> list[Json]:
        """List the faults that will be applied again."""
        return [armed.describe() for armed in self._armed if armed.live]

    def for_new_order(self) -> Fault | None:
        """Take the order fault that falls to the order being placed, if one is armed."""
        for armed in self._armed:
            if armed.live and armed.fault.mode.kind == "order":
                armed.used += 1
                return armed.fault
        return None

    def around(self, route: str, step: Callable[[], Answer]) -> Answer:
        """Take the step, with the oldest armed fault that applies to this route."""
        for armed in self._armed:
            if armed.live and armed.fault.applies_to(route):
                answer, applied = _inject(armed.fault, armed.used, step)
                armed.used += applied
                return answer
        return step()

    def around_own(
        self, fault: Fault | None, route: str, key: str, step: Callable[[], Answer]
    ) -> Answer:
        """Take the step, with the fault its typeId chose, as often as its burst says.

        `key` is what it is counted by: the order when it is read, the typeId when it is placed.
        """
        if fault is None or not fault.applies_to(route):
            return step()
        burst = fault.burst()
        if burst is not None and self._injected[key] >= burst:
            if route == PLACE:
                # The next order of this typeId meets the burst anew, so a demo can be run twice.
                del self._injected[key]
            return step()
        answer, applied = _inject(fault, self._injected[key], step)
        self._injected[key] += applied
        return answer


def _inject(fault: Fault, before: int, step: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The step with the fault, and whether it was applied: if not, it is not used up."""
    plain: list[Answer] = []

    def remembered() -> Answer:
        plain.append(step())
        return plain[0]

    try:
        answer = inject(fault.name, fault.argument, before, remembered)
    except Refused as refused:
        return refused.answer(), False
    return answer, not plain or answer is not plain[0]
