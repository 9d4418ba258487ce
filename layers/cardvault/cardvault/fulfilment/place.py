"""Placing an order with the supplier at most once, and finding out when that is in doubt.

Before placeOrder is sent, the order is marked `placingAt`. A step that finds the mark and no
supplier order does not know how the earlier try ended: it reconciles with the supplier's list,
and never sends again (I3). Only an answer that proves nothing was bought removes the mark.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cardvault.audit.trail import Event
from cardvault.core.clock import Clock, from_text, to_text, utc_now
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
from cardvault.fulfilment.marks import claim_supplier_order, find_mark, supplier_mark
from cardvault.orders import store
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.store import CALM, Change
from cardvault.supplier.answers import SupplierOrder, is_order_id
from cardvault.supplier.client import SupplierClient

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite

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
        # Whatever can fail without the supplier's doing fails before the mark is set.
        self.supplier.make_ready()
        attempt = secrets.token_hex(8)
        order = store.change(
            order_id,
            lambda order: self._mark(order, attempt, confirmed_not_placed),
            clock=self.clock,
        )
        if order.supplier_order_id is not None:
            return order
        try:
            placed_as = self.supplier.place_order(
                order.product_id or "", order.type_id or "", int(order.quantity or 0)
            )
        except _NOTHING_BOUGHT as error:
            self._unmark(order_id, attempt, error)
            if isinstance(error, SupplierThrottled):
                self.supplier.pause(error)
            raise
        try:
            return record_placement(order_id, placed_as, clock=self.clock)
        except SupplierOrderTaken:
            raise PlacementUnknown from None

    def _mark(
        self, order: OrderRecord, attempt: str, confirmed_not_placed: str | None
    ) -> Change | None:
        if order.supplier_order_id is not None:
            return _back_on_its_way(order)
        now = self.clock()
        if order.placing_at is not None:
            too_early = now < from_text(order.placing_at) + LONGEST_ACCEPTANCE
            if order.placing_at != confirmed_not_placed or too_early:
                raise PlacementUnknown
        placing = {"placing_at": to_text(now), "placing_attempt": attempt}
        return Change(Event("ORDER_PLACING"), {"status": Status.RECEIVED, **placing, **CALM})

    def _unmark(self, order_id: str, attempt: str, error: CardvaultError) -> None:
        event = Event("ORDER_NOT_PLACED", reason=error.code)

        def decide(order: OrderRecord) -> Change:
            if order.placing_attempt != attempt or order.supplier_order_id is not None:
                raise PlacementUnknown  # somebody else's try stands there now
            return Change(event, {"placing_at": None, "placing_attempt": None})

        store.change(order_id, decide, clock=self.clock)


def _back_on_its_way(order: OrderRecord) -> Change | None:
    if order.status != Status.ATTENTION:
        return None
    return Change(Event("ORDER_REDRIVEN"), {"status": order.ended_as or Status.PLACED, **CALM})


def record_placement(
    order_id: str, supplier_order_id: str, *, clock: Clock = utc_now
) -> OrderRecord:
    """Note which supplier order is this order's; nobody else can have it after.

    Raises SupplierOrderTaken, and PlacementDuplicated when the order has another one already.
    """
    if not is_order_id(supplier_order_id):
        raise InvalidRequest("supplierOrderId is not a supplier's order id")

    def decide(order: OrderRecord) -> Change | None:
        if order.supplier_order_id is not None:
            if order.supplier_order_id == supplier_order_id:
                return _back_on_its_way(order)
            return Change(Event("SUPPLIER_ORDER_ORPHANED", reason=supplier_order_id), {})

        def claim(transaction: "TransactWrite") -> None:
            claim_supplier_order(transaction, supplier_order_id, order_id)

        placed = {
            "status": Status.PLACED,
            "supplier_order_id": supplier_order_id,
            "placed_at": to_text(clock()),
        }
        return Change(Event("ORDER_PLACED"), {**placed, **CALM}, also=claim)

    order = store.change(order_id, decide, clock=clock)
    if order.supplier_order_id != supplier_order_id:
        raise PlacementDuplicated
    return order


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
        if same and in_time and find_mark(supplier_mark(found.order_id)) is None:
            yield found.order_id
