"""Asking the supplier whether an order is finished: one call of the workflow's retry loop."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.retries import retry_lost_races
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import FulfilmentOverdue, OrderPending, Retryable, SupplierOrderUnknown
from cardvault.orders import store
from cardvault.orders.records import Status
from cardvault.orders.store import Edit
from cardvault.supplier.answers import SupplierOrder, SupplierStatus
from cardvault.supplier.client import SupplierClient


@dataclass(frozen=True, slots=True)
class PollFulfilment:
    """Polls until `deadline` has passed since the execution started."""

    supplier: SupplierClient
    deadline: timedelta
    clock: Clock = utc_now

    def __call__(self, order_id: str, *, execution_started_at: datetime) -> SupplierStatus:
        """The supplier's final status.

        Raises OrderPending while there is none, and the supplier's errors. Once the deadline has
        passed, FulfilmentOverdue takes the place of all that would be tried again.
        """
        order = store.find(order_id)
        if order.supplier_order_id is None:
            raise SupplierOrderUnknown
        is_over = self.clock() - execution_started_at > self.deadline
        try:
            answer = self.supplier.check_order(order.supplier_order_id)
        except Retryable:
            if is_over:
                raise FulfilmentOverdue from None
            raise
        if order.status == Status.PLACED:
            self._record_handling(order_id, answer)
        if answer.status.final:
            return answer.status
        if is_over:
            raise FulfilmentOverdue
        raise OrderPending

    @retry_lost_races
    def _record_handling(self, order_id: str, answer: SupplierOrder) -> None:
        order = store.find(order_id)
        if order.status != Status.PLACED:
            return
        # An adopted order learns here what it is for.
        known = {
            "product_id": order.product_id or answer.product_id,
            "type_id": order.type_id or answer.type_id,
            "quantity": order.quantity or answer.quantity,
        }
        learned = {name: value for name, value in known.items() if value is not None}
        Edit(order, self.clock()).commit(
            Event(EventName.ORDER_HANDLING, reason=answer.told_unknown),
            status=Status.HANDLING,
            **learned,
        )
