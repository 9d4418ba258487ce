"""Applying retention: cards are shredded and addresses erased some days after their use is over.

Each day every order is looked at once, in as many rounds as that takes, through the index that
holds orders alone. What a round has looked at is noted when it ends; one that broke off is done
again, which changes nothing twice. An order that an execution carries is left alone until it has
ended, or is a person's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pynamodb.attributes import UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.failures import ring
from cardvault.aws.logs import logger
from cardvault.aws.retries import retry_lost_races
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import actions_of
from cardvault.core.clock import Clock, from_text, to_text, utc_now
from cardvault.core.ids import is_id
from cardvault.errors import OutOfTime
from cardvault.http import cursor as cursors
from cardvault.identity import retention
from cardvault.identity.retention import Retention
from cardvault.orders import store
from cardvault.orders.erase import erase
from cardvault.orders.records import ORDER_KEY, RECORD_KEY, OrderRecord
from cardvault.orders.shred import shred

# A crash, or a request that ran out of time, may have left pages or marks of a shredded order.
LEFTOVERS_LOOKED_FOR = timedelta(days=2)
SCAN_PAGE = 250


class RetentionProgress(Record):
    """How far the orders were looked at: `day` when all were that day, else a `position`."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId", default="RETENTION#PROGRESS")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=RECORD_KEY)
    day = UnicodeAttribute(attr_name="appliedOn", null=True)
    position = UnicodeAttribute(attr_name="appliedUpTo", null=True)


@dataclass(slots=True)
class Applied:
    """One round: orders shredded, erased, and failed with; whether the day needs another."""

    shredded: int = 0
    erased: int = 0
    failed: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class ApplyRetention:
    """Carries out the stack's retention and the tenants'. Two rounds at once do no harm."""

    stacks: Retention
    time_budget: timedelta = TIME_BUDGET
    clock: Clock = utc_now

    def __call__(self) -> Applied:
        """Look at the orders that were not looked at today, as far as time goes."""
        time, today = Round.of(self.time_budget, self.clock), to_text(self.clock())[:10]
        tenants = retention.of_tenants(self.stacks)
        progress = RetentionProgress()
        progress = tables.find(RetentionProgress, progress.key, RECORD_KEY) or progress
        is_on = self.stacks.is_on or any(own.is_on for own in tenants.values())
        if not is_on or (progress.day == today and progress.position is None):
            return Applied()
        done, last = Applied(), progress.position
        # Judged here and not by a filter, behind which one step could be any number of calls.
        orders = OrderRecord.of_owner.scan(page_size=SCAN_PAGE, last_evaluated_key=_position(last))
        try:
            for order in time.pace(orders):
                self._deal_with(order, tenants.get(order.tenant_id, self.stacks), time, done)
                last = cursors.encode(order.owner, order.created_at, order.order_id)
        except OutOfTime:
            _note(day=None, position=last)
            done.more = True
            return done
        _note(day=today, position=None)
        return done

    def _deal_with(
        self, order: OrderRecord, kept_for: Retention, time: Round, done: Applied
    ) -> None:
        try:
            done.shredded += self._shred(order, kept_for, time)
            done.erased += self._erase(order, kept_for, time)
        except OutOfTime:
            raise
        except Exception as error:  # noqa: BLE001 - one order must not keep the others waiting
            with logger.append_context_keys(orderId=order.order_id):
                ring(error)
            done.failed += 1

    def _shred(self, order: OrderRecord, kept_for: Retention, time: Round) -> bool:
        now = self.clock()
        if order.shredded_at and now < from_text(order.shredded_at) + LEFTOVERS_LOOKED_FOR:
            time.expect_time()
            shred(order, now)
        if reason_to_shred(order, kept_for, now) is None:
            return False
        time.expect_time()
        return _shred_afresh(order.order_id, kept_for, now)

    def _erase(self, order: OrderRecord, kept_for: Retention, time: Round) -> bool:
        now = self.clock()
        if reason_to_erase(order, kept_for, now) is None:
            return False
        time.expect_time()
        return _erase_afresh(order.order_id, kept_for, now)


def reason_to_shred(order: OrderRecord, kept_for: Retention, now: datetime) -> str | None:
    """By which rule the order's cards go, as the trail has it; None while they are kept."""
    if order.stored_at is None or order.shredded_at is not None or order.unfinished:
        return None
    if _is_over(order.stored_at, kept_for.shred_after_days, now):
        return "SHRED_AFTER_DAYS"
    if _is_over(order.delivered_at, kept_for.shred_after_delivery_days, now):
        return "SHRED_AFTER_DELIVERY_DAYS"
    return None


def reason_to_erase(order: OrderRecord, kept_for: Retention, now: datetime) -> str | None:
    """By which rule the order's address goes, as the trail has it; None while it is kept."""
    if order.unfinished or not order.names_recipient:
        return None
    since = order.recipient_needless_since
    return "ERASE_AFTER_DAYS" if _is_over(since, kept_for.erase_after_days, now) else None


def _is_over(since: str | None, days: int, now: datetime) -> bool:
    return bool(since and days) and now >= from_text(str(since)) + timedelta(days=days)


@retry_lost_races
def _shred_afresh(order_id: str, kept_for: Retention, now: datetime) -> bool:
    """Shred unless it was done meanwhile: the index may lag behind the order."""
    order = store.find(order_id)
    reason = reason_to_shred(order, kept_for, now)
    if reason is not None:
        shred(order, now, reason=reason)
    return reason is not None


@retry_lost_races
def _erase_afresh(order_id: str, kept_for: Retention, now: datetime) -> bool:
    order = store.find(order_id)
    reason = reason_to_erase(order, kept_for, now)
    if reason is not None:
        erase(order, now, reason=reason)
    return reason is not None


def _note(*, day: str | None, position: str | None) -> None:
    noted = {"day": day, "position": position}
    tables.update_item(RetentionProgress(), actions_of(RetentionProgress, noted))


def _position(cursor: str | None) -> dict[str, dict[str, str]] | None:
    if cursor is None:
        return None
    owner, created_at, order_id = cursors.decode(cursor, str, from_text, is_id)
    texts = {"owner": owner, "createdAt": created_at, "orderId": order_id, "sk": ORDER_KEY}
    return {name: {"S": text} for name, text in texts.items()}
