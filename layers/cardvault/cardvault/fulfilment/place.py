"""Placing an order with the supplier at most once, and finding out when that is in doubt.

Before placeOrder is sent, the intent is noted on the order: `placingAt`. A step that finds it and
no supplier order does not know how the earlier try ended: it reconciles with the supplier's list,
and never sends again (I3). Only an answer that proves nothing was bought withdraws the intent.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock, from_text, utc_now
from cardvault.errors import (
    CardvaultError,
    InvalidRequest,
    PlacementAmbiguous,
    PlacementDuplicated,
    PlacementNotFound,
    PlacementUnknown,
    SupplierBlocked,
    SupplierCredentialsRejected,
    SupplierOrderTaken,
    SupplierRejected,
    SupplierThrottled,
    SupplierUnavailable,
)
from cardvault.fulfilment.uniqueness import claim_supplier_order, find_record, supplier_order_key
from cardvault.identity.ceilings import day_of
from cardvault.orders import store
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.store import CLEAR_ATTENTION, Edit
from cardvault.supplier.answers import SupplierOrder, is_order_id
from cardvault.supplier.client import SupplierClient

# How far the supplier's clock may be from ours, and how long it may take to accept an order.
CLOCK_SKEW = timedelta(seconds=60)
LONGEST_ACCEPTANCE = timedelta(minutes=5)

_NOTHING_BOUGHT = (
    SupplierRejected,
    SupplierThrottled,
    SupplierUnavailable,
    SupplierBlocked,
    SupplierCredentialsRejected,
)


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """The workflow's first step."""

    supplier: SupplierClient
    clock: Clock = utc_now

    def __call__(
        self,
        order_id: str,
        *,
        supplier_order_id: str | None = None,
        confirmed_not_placed: str | None = None,
    ) -> OrderRecord:
        """Place the order, unless that was done; put an order in attention back on its way.

        An operator who redrives an order in doubt may say how it is: `supplier_order_id` names
        the supplier's order; `confirmed_not_placed` is the `placingAt` of the try that they know
        came to nothing, and counts for that try alone. Raises PlacementUnknown, or an error that
        says nothing was bought.
        """
        if supplier_order_id:
            return record_placement(order_id, supplier_order_id, clock=self.clock)
        # What can fail without the supplier's doing fails before the intent is noted.
        self.supplier.make_ready()
        attempt = secrets.token_hex(8)
        order = self._note_intent(order_id, attempt, confirmed_not_placed)
        if order.supplier_order_id is not None:
            return order
        try:
            placed_as = self.supplier.place_order(
                order.product_id or "", order.type_id or "", int(order.quantity or 0)
            )
        except _NOTHING_BOUGHT as error:
            self._withdraw_intent(order_id, attempt, error)
            if isinstance(error, SupplierThrottled):
                self.supplier.pause(error)
            raise
        try:
            return record_placement(order_id, placed_as, clock=self.clock)
        except SupplierOrderTaken:
            raise PlacementUnknown from None

    @retry_lost_races
    def _note_intent(
        self, order_id: str, attempt: str, confirmed_not_placed: str | None
    ) -> OrderRecord:
        edit = Edit(store.find(order_id), self.clock())
        order = edit.order
        if order.supplier_order_id is not None:
            _clear_attention(edit)
            return order
        if order.placing_at is not None:
            too_early = edit.now < from_text(order.placing_at) + LONGEST_ACCEPTANCE
            if order.placing_at != confirmed_not_placed or too_early:
                raise PlacementUnknown
        if order.counted_on is None:  # given back when it had failed; a redrive is not refused
            order.buyer.count(edit.work, int(order.quantity or 0), edit.now)
        edit.commit(
            Event(EventName.ORDER_PLACING),
            status=Status.RECEIVED,
            counted_on=order.counted_on or day_of(edit.now),
            placing_at=edit.timestamp,
            placing_attempt=attempt,
            **CLEAR_ATTENTION,
        )
        return order

    @retry_lost_races
    def _withdraw_intent(self, order_id: str, attempt: str, error: CardvaultError) -> None:
        order = store.find(order_id)
        if order.placing_attempt != attempt or order.supplier_order_id is not None:
            raise PlacementUnknown  # another try has begun since
        event = Event(EventName.ORDER_NOT_PLACED, reason=error.code)
        Edit(order, self.clock()).commit(event, placing_at=None, placing_attempt=None)


def _clear_attention(edit: Edit) -> None:
    if edit.order.status == Status.ATTENTION:
        status = edit.order.ended_as or Status.PLACED
        edit.commit(Event(EventName.ORDER_REDRIVEN), status=status, **CLEAR_ATTENTION)


@retry_lost_races
def record_placement(
    order_id: str, supplier_order_id: str, *, clock: Clock = utc_now
) -> OrderRecord:
    """Note which supplier order is this order's; nobody else can have it after.

    Raises SupplierOrderTaken, and PlacementDuplicated when the order has another one already.
    """
    if not is_order_id(supplier_order_id):
        raise InvalidRequest("supplierOrderId is not a supplier's order id")

    edit = Edit(store.find(order_id), clock())
    if edit.order.supplier_order_id is None:
        claim_supplier_order(edit.work, supplier_order_id, order_id)
        edit.commit(
            Event(EventName.ORDER_PLACED),
            status=Status.PLACED,
            supplier_order_id=supplier_order_id,
            placed_at=edit.timestamp,
            **CLEAR_ATTENTION,
        )
    elif edit.order.supplier_order_id == supplier_order_id:
        _clear_attention(edit)
    else:
        edit.commit(Event(EventName.SUPPLIER_ORDER_ORPHANED, reason=supplier_order_id))
        raise PlacementDuplicated
    return edit.order


@dataclass(frozen=True, slots=True)
class ReconcileOrder:
    """Find the supplier order that a lost placeOrder made, in the supplier's own list."""

    supplier: SupplierClient
    clock: Clock = utc_now

    def __call__(self, order_id: str) -> OrderRecord:
        """Adopt the one supplier order that fits, and return our order.

        It fits by product, type and quantity, was made after placeOrder was sent, and is no
        other order's.

        Raises PlacementNotFound (it may appear yet), PlacementAmbiguous, and the supplier's.
        """
        order = store.find(order_id)
        if order.supplier_order_id is not None:
            return order
        if order.placing_at is None:
            raise PlacementNotFound
        sent_at = from_text(order.placing_at)
        since, until = sent_at - CLOCK_SKEW, sent_at + LONGEST_ACCEPTANCE
        listed = self.supplier.list_orders(since, until)
        candidates = set(_fitting(order, listed, since, until))
        if len(candidates) > 1:
            raise PlacementAmbiguous
        try:
            for supplier_order_id in candidates:
                return record_placement(order_id, supplier_order_id, clock=self.clock)
        except SupplierOrderTaken:
            pass
        raise PlacementNotFound


def _fitting(
    order: OrderRecord, listed: Iterable[SupplierOrder], since: datetime, until: datetime
) -> Iterable[str]:
    wanted = (order.product_id, order.type_id, order.quantity)
    for found in listed:
        in_time = found.created_at is not None and since <= found.created_at <= until
        same = (found.product_id, found.type_id, found.quantity) == wanted
        if same and in_time and find_record(supplier_order_key(found.order_id)) is None:
            yield found.order_id
