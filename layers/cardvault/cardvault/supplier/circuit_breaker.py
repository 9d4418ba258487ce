"""A circuit breaker for requests to the supplier, shared by every order and every instance.

A request under a refused key brings a block of our address nearer, and no request gets through
a block. So one item beside the orders says which version of the key was refused, and until when
our address is blocked. It is read before each request to the supplier; nothing else keeps it.
"""

from dataclasses import dataclass
from datetime import timedelta

from pynamodb.attributes import UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.tables import Record
from cardvault.core.clock import Clock, from_text, to_text, utc_now

REFUSAL_REMEMBERED = timedelta(minutes=1)
# A caller that waits for the whole pause must find the block over, though clocks differ a little.
BLOCK_REMEMBERED = 15 / 16
_KEY = "SUPPLIER"
_SORT_KEY = "LOCKOUT"


class CircuitBreakerRecord(Record):
    """The one item. Times are RFC 3339 texts in UTC."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk")
    refused_version = UnicodeAttribute(attr_name="refusedVersion", null=True)
    refused_until = UnicodeAttribute(attr_name="refusedUntil", null=True)
    blocked_until = UnicodeAttribute(attr_name="blockedUntil", null=True)


@dataclass(frozen=True, slots=True)
class BreakerState:
    """Whether our address is blocked now, and which version of the key is refused, if any."""

    blocked: bool = False
    refused_version: str | None = None


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """Reads and writes the item. `blocked_pause` is how long the workflow waits once blocked."""

    blocked_pause: timedelta
    clock: Clock = utc_now

    def state(self) -> BreakerState:
        """The state now, read consistently."""
        record = tables.find(CircuitBreakerRecord, _KEY, _SORT_KEY)
        if record is None:
            return BreakerState()
        refused = self._is_ahead(record.refused_until)
        return BreakerState(
            blocked=self._is_ahead(record.blocked_until),
            refused_version=record.refused_version if refused else None,
        )

    def note_refused(self, version: str) -> None:
        """The key of that version was refused: no function sends it for a minute."""
        until = to_text(self.clock() + REFUSAL_REMEMBERED)
        refused = CircuitBreakerRecord.refused_version.set(version)
        tables.update_item(_record(), [refused, CircuitBreakerRecord.refused_until.set(until)])

    def note_blocked(self) -> None:
        """Our address was blocked: no function sends anything until that ends."""
        until = to_text(self.clock() + self.blocked_pause * BLOCK_REMEMBERED)
        tables.update_item(_record(), [CircuitBreakerRecord.blocked_until.set(until)])

    def _is_ahead(self, moment: str | None) -> bool:
        return moment is not None and self.clock() < from_text(moment)


def _record() -> CircuitBreakerRecord:
    return CircuitBreakerRecord(_KEY, _SORT_KEY)
