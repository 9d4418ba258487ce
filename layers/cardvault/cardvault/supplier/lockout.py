"""What the supplier holds against us, remembered for every order and every instance.

Each request under a refused key brings us nearer to a block, and none gets through one. So one
item beside the orders says which version of the key was refused, and until when we are blocked.
It is read before each request to the supplier, and it is the only memory of it.
"""

from dataclasses import dataclass
from datetime import timedelta

from pynamodb.attributes import UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.tables import Record
from cardvault.core.clock import Clock, from_text, to_text, utc_now

REFUSAL_REMEMBERED = timedelta(minutes=1)
# Whoever waits the whole pause must find the block forgotten, though clocks differ by a little.
BLOCK_REMEMBERED = 15 / 16
_KEY = "SUPPLIER"
_SORT_KEY = "LOCKOUT"


class LockoutRecord(Record):
    """The one item. Times are RFC 3339 texts in UTC."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk")
    refused_version = UnicodeAttribute(attr_name="refusedVersion", null=True)
    refused_until = UnicodeAttribute(attr_name="refusedUntil", null=True)
    blocked_until = UnicodeAttribute(attr_name="blockedUntil", null=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """How we stand now: whether we are blocked, and which version of the key is refused if any."""

    blocked: bool = False
    refused_version: str | None = None


@dataclass(frozen=True, slots=True)
class Lockout:
    """The memory. `blocked_pause` is how long the workflow waits once blocked."""

    blocked_pause: timedelta
    clock: Clock = utc_now

    def standing(self) -> Standing:
        """How we stand, read consistently."""
        record = tables.find(LockoutRecord, _KEY, _SORT_KEY)
        if record is None:
            return Standing()
        refused = self._is_ahead(record.refused_until)
        return Standing(
            blocked=self._is_ahead(record.blocked_until),
            refused_version=record.refused_version if refused else None,
        )

    def note_refused(self, version: str) -> None:
        """The key of that version was refused: nobody sends it for a minute."""
        until = to_text(self.clock() + REFUSAL_REMEMBERED)
        refused = LockoutRecord.refused_version.set(version)
        tables.update_item(_record(), [refused, LockoutRecord.refused_until.set(until)])

    def note_blocked(self) -> None:
        """Our address was blocked: nobody sends anything until that ends."""
        until = to_text(self.clock() + self.blocked_pause * BLOCK_REMEMBERED)
        tables.update_item(_record(), [LockoutRecord.blocked_until.set(until)])

    def _is_ahead(self, moment: str | None) -> bool:
        return moment is not None and self.clock() < from_text(moment)


def _record() -> LockoutRecord:
    return LockoutRecord(_KEY, _SORT_KEY)
