"""A circuit breaker and a rate limit for the supplier, shared by every order and every instance.

A request under a refused key brings a block of our address nearer, no request gets through a block,
and one to a supplier that fails costs its whole time limit. So one item beside the orders says what
is the matter and until when. While that lies ahead the circuit is open, and nothing is asked. After
it the circuit is half open: one request, elected by a conditional write, tries; the others wait for
its answer, which closes the circuit or opens it again. An elected request that dies without one is
followed by another when its time is over. Source: M. Nygard, Release It!, 2007, Circuit Breaker.

The supplier names no rate limit. So a pause that it asks one request for holds for all, and what
we ask in a second is counted, where the stack says how much it may be.
"""

import functools
import operator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from cardvault.aws import tables
from cardvault.aws.retries import LostRace, retry_lost_races
from cardvault.aws.tables import Record
from cardvault.core.clock import Clock, from_text, to_text, utc_now
from cardvault.errors import SupplierBlocked, SupplierThrottled, SupplierUnavailable

REFUSAL_REMEMBERED = timedelta(minutes=1)
# A caller that waits for the whole pause must find the trouble over, though clocks differ a little.
REMEMBERED = 15 / 16
MOST_FAILURES = 5  # requests in a row without a good answer
PROBE_TAKES = timedelta(seconds=60)  # more than a request, which is bounded at both ends
_KEY = "SUPPLIER"
_SORT_KEY = "LOCKOUT"


class CircuitBreakerRecord(Record):
    """The one item. Times are RFC 3339 texts in UTC; `second` is the one that `asked` counts."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId", default=_KEY)
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=_SORT_KEY)
    refused_version = UnicodeAttribute(attr_name="refusedVersion", null=True)
    refused_until = UnicodeAttribute(attr_name="refusedUntil", null=True)
    blocked_until = UnicodeAttribute(attr_name="blockedUntil", null=True)
    failures = NumberAttribute(null=True)
    failing_until = UnicodeAttribute(attr_name="failingUntil", null=True)
    throttled_until = UnicodeAttribute(attr_name="throttledUntil", null=True)
    probing_until = UnicodeAttribute(attr_name="probingUntil", null=True)
    second = UnicodeAttribute(null=True)
    asked = NumberAttribute(null=True)

    @property
    def was_open(self) -> bool:
        """Whether the circuit was opened and not closed since."""
        return bool(self.refused_version or self.blocked_until or self.failing_until)


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Reads and writes the item.

    `blocked_pause` and `outage_pause` are how long the workflow waits first, once our address is
    blocked or the supplier fails. `requests_per_second` is what all instances may ask together; 0
    is no limit.
    """

    blocked_pause: timedelta
    outage_pause: timedelta
    requests_per_second: int = 0
    clock: Clock = utc_now

    def refused_version(self) -> str | None:
        """The version of the key that is refused now, if any.

        Raises SupplierBlocked, SupplierThrottled, SupplierUnavailable when no request would be
        admitted whatever its key.
        """
        record = _find()
        self._expect_admission(record)
        return record.refused_version if self._is_ahead(record.refused_until) else None

    @retry_lost_races
    def admit(self) -> CircuitBreakerRecord:
        """Let one request through; returns what `note_failed` and `note_well` are told of its end.

        Raises as `refused_version` does, and TooManyWriters.
        """
        record = _find()
        self._expect_admission(record)
        actions, conditions = self._one_more_asked(record)
        if record.was_open:
            until = self._after(PROBE_TAKES)
            actions.append(CircuitBreakerRecord.probing_until.set(until))
            conditions.append(_is_still(CircuitBreakerRecord.probing_until, record.probing_until))
        if actions:
            tables.update(record, actions, functools.reduce(operator.and_, conditions))
        return record

    def note_refused(self, version: str) -> None:
        """The key of that version was refused: no function sends it for a minute."""
        until = self._after(REFUSAL_REMEMBERED)
        _note(
            CircuitBreakerRecord.refused_version.set(version),
            CircuitBreakerRecord.refused_until.set(until),
        )

    def note_blocked(self) -> None:
        """Our address was blocked: no function sends anything until that ends."""
        until = self._after(self.blocked_pause * REMEMBERED)
        _note(CircuitBreakerRecord.blocked_until.set(until))

    def note_throttled(self, retry_after_s: float) -> None:
        """The supplier asked for a pause: no function sends anything in it."""
        until = self._after(timedelta(seconds=retry_after_s))
        _note(CircuitBreakerRecord.throttled_until.set(until))

    def note_failed(self, admitted: CircuitBreakerRecord) -> None:
        """No answer, or none of use: after some in a row no function sends anything for a while."""
        failures = int(admitted.failures or 0) + 1
        actions: list[Action] = [CircuitBreakerRecord.failures.add(1)]
        if failures >= MOST_FAILURES:
            until = self._after(self.outage_pause * REMEMBERED)
            actions.append(CircuitBreakerRecord.failing_until.set(until))
        _note(*actions)

    def note_well(self, admitted: CircuitBreakerRecord) -> None:
        """The supplier answered: the circuit is closed, unless another heard worse meanwhile."""
        if not (admitted.was_open or admitted.failures):
            return
        heard = {name: getattr(CircuitBreakerRecord, name) for name in _HEARD}
        unchanged = [_is_still(one, getattr(admitted, name)) for name, one in heard.items()]
        forgotten = [one.remove() for one in (*heard.values(), CircuitBreakerRecord.probing_until)]
        try:
            tables.update(admitted, forgotten, functools.reduce(operator.and_, unchanged))
        except LostRace:
            return

    def _expect_admission(self, record: CircuitBreakerRecord) -> None:
        if self._is_ahead(record.blocked_until):
            raise SupplierBlocked
        if self._is_ahead(record.failing_until):
            raise SupplierUnavailable("the supplier fails, and is left alone for a while")
        if self._is_ahead(record.probing_until):
            raise SupplierUnavailable("another request tries whether the supplier is back")
        if self._is_ahead(record.throttled_until):
            left = from_text(str(record.throttled_until)) - self.clock()
            raise SupplierThrottled(left.total_seconds())
        if self.requests_per_second and self._asked(record) >= self.requests_per_second:
            raise SupplierThrottled

    def _asked(self, record: CircuitBreakerRecord) -> int:
        """How many requests were admitted in this second."""
        return int(record.asked or 0) if record.second == self._second() else 0

    def _one_more_asked(self, record: CircuitBreakerRecord) -> tuple[list[Action], list[Any]]:
        if not self.requests_per_second:
            return [], []
        second, asked = CircuitBreakerRecord.second, CircuitBreakerRecord.asked
        if not self._asked(record):
            return [second.set(self._second()), asked.set(1)], [_is_still(second, record.second)]
        return [asked.add(1)], [second == record.second, asked < self.requests_per_second]

    def _second(self) -> str:
        return to_text(self.clock().replace(microsecond=0))

    def _is_ahead(self, moment: str | None) -> bool:
        return moment is not None and self.clock() < from_text(moment)

    def _after(self, pause: timedelta) -> str:
        return to_text(self.clock() + pause)


_HEARD = ("refused_version", "refused_until", "blocked_until", "failing_until", "failures")


def _find() -> CircuitBreakerRecord:
    none = CircuitBreakerRecord()
    return tables.find(CircuitBreakerRecord, none.key, none.sort_key) or none


def _note(*actions: Action) -> None:
    """Note trouble. The request that was elected has its answer, so another may be."""
    over = CircuitBreakerRecord.probing_until.remove()
    tables.update_item(CircuitBreakerRecord(), [*actions, over])


def _is_still(attribute: Any, value: Any) -> Any:
    """The condition that an attribute is as it was read."""
    return attribute.does_not_exist() if value is None else attribute == value
