"""How many cards a tenant and an API client may order: in one order, and in a day of UTC.

All tenants buy from one account with the supplier, so anyone who may order spends what is shared.
Each order is counted for its tenant and its client in the transaction that records it: however
many come at once, no ceiling is passed. An item beside the orders holds the ceilings of one of
them and the count of its last day only, so that nothing piles up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import UnitOfWork, actions_of
from cardvault.core.clock import to_text
from cardvault.errors import DailyCeilingReached, OrderAboveCeiling

TENANT, CLIENT = "tenant", "client"
_SORT_KEY = "CEILING"


class CeilingRecord(Record):
    """The ceilings of a tenant or a client, and how many cards its last day has; `day` is UTC's."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=_SORT_KEY)
    cards_per_order = NumberAttribute(attr_name="cardsPerOrder", null=True)
    cards_per_day = NumberAttribute(attr_name="cardsPerDay", null=True)
    day = UnicodeAttribute(null=True)
    cards_of_day = NumberAttribute(attr_name="cardsOfDay", null=True)

    def counted_on(self, day: str) -> int:
        """How many cards were counted on that day, as far as it is the last one."""
        return int(self.cards_of_day or 0) if self.day == day else 0


def day_of(moment: datetime) -> str:
    """The day of UTC that cards ordered at the moment count for: `2026-01-31`."""
    return to_text(moment)[:10]


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whose cards are counted. `client_id` is None for an order that an earlier release took."""

    tenant_id: str
    client_id: str | None

    def take(self, work: UnitOfWork, cards: int, now: datetime, tenants_cards_per_day: int) -> None:
        """Count an order of so many cards, if there is room for them.

        `tenants_cards_per_day` is the ceiling of a tenant for whom an operator set none. Raises
        OrderAboveCeiling, DailyCeilingReached; the unit of work LostRace when others were quicker.
        """
        for whose, record in self._records():
            most = record.cards_per_day
            if most is None and whose == TENANT:
                most = tenants_cards_per_day
            _expect_room(whose, record, cards, now, None if most is None else int(most))
            _add(work, record, cards, day_of(now), most=None if most is None else int(most))

    def count(self, work: UnitOfWork, cards: int, now: datetime) -> None:
        """Count cards whatever the ceilings are."""
        for _, record in self._records():
            _add(work, record, cards, day_of(now))

    def give_back(self, work: UnitOfWork, cards: int, day: str) -> None:
        """Take back cards that were counted on that day, unless a later day is counted by now."""
        for _, record in self._records():
            if record.day == day:
                _add(work, record, -cards, day)

    def _records(self) -> list[tuple[str, CeilingRecord]]:
        whose = [(TENANT, self.tenant_id)]
        if self.client_id is not None:
            whose.append((CLIENT, self.client_id))
        return [(kind, find(kind, its_id)) for kind, its_id in whose]


def find(kind: str, its_id: str) -> CeilingRecord:
    """The record of a TENANT or CLIENT, an empty one if there is none yet."""
    key = _key(kind, its_id)
    return tables.find(CeilingRecord, key, _SORT_KEY) or CeilingRecord(key)


def change(kind: str, its_id: str, ceilings: Mapping[str, int | None]) -> None:
    """Set `cards_per_order`, `cards_per_day` or both; None is no ceiling of its own."""
    record = CeilingRecord(_key(kind, its_id))
    tables.update_item(record, actions_of(CeilingRecord, ceilings))


def _key(kind: str, its_id: str) -> str:
    return f"CEILING#{kind.upper()}#{its_id}"


def _expect_room(
    whose: str, record: CeilingRecord, cards: int, now: datetime, per_day: int | None
) -> None:
    ceilings = (record.cards_per_order, per_day)
    per_order = min((int(most) for most in ceilings if most is not None), default=None)
    if per_order is not None and cards > per_order:
        raise OrderAboveCeiling(ceiling=whose, cardsPerOrder=per_order)
    if per_day is None:
        return
    left = max(0, per_day - record.counted_on(day_of(now)))
    if cards > left:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        facts: dict[str, Any] = {"cardsPerDay": per_day, "left": left}
        raise DailyCeilingReached(
            int((midnight - now).total_seconds()) + 1,
            ceiling=whose,
            resetsAt=to_text(midnight),
            **facts,
        )


def _add(
    work: UnitOfWork, record: CeilingRecord, cards: int, day: str, *, most: int | None = None
) -> None:
    """Add to the day's count.

    Adding needs no other count than the one that was read, unless the sum would pass `most`: so
    of orders at once few lose the race.
    """
    if record.day == day:
        condition = CeilingRecord.day == day
        if most is not None:
            condition &= CeilingRecord.cards_of_day <= most - cards
        work.act(record, [CeilingRecord.cards_of_day.add(cards)], condition)
        return
    new_day = {"day": day, "cards_of_day": cards}
    unchanged = CeilingRecord.day == record.day
    if record.day is None:
        unchanged = CeilingRecord.day.does_not_exist()
    work.act(record, actions_of(CeilingRecord, new_day), unchanged)
