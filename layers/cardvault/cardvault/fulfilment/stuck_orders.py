"""Orders that stopped on their way: put back on it, or left to a person.

An order that is not finished is carried by an execution. None carries it when a function died
between the record and the start, when somebody stopped the execution, or when AWS ended it. A
message that was being sent again by the API is carried by nobody once that function has died.

Starting again is safe whatever happened before: each step reads the order first. An order that
may have been placed is looked for and never placed again (I3), a message that may have been sent
is not sent again (I9).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws import tables
from cardvault.aws.failures import ring
from cardvault.aws.logs import logger
from cardvault.aws.retries import LostRace
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import MailOutcomeUnknown, OutOfTime, WorkflowStopped
from cardvault.fulfilment.outcome import MAIL_STEP, record_failure
from cardvault.fulfilment.workflow import Workflow
from cardvault.orders import store
from cardvault.orders.records import UNFINISHED, OrderRecord

# Nobody takes that long between recording an order, or a message, and having it carried on. An
# execution that waits longer than that is seen by its name.
STUCK_AFTER = timedelta(minutes=15)


@dataclass
class Reconciled:
    """One round: orders started again, left to a person, and failed with; if time ran out."""

    started: int = 0
    attention: int = 0
    failed: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class ReconcileOrders:
    """Looks through the orders that are not finished, as far as time goes.

    What it has done with one takes that out of the next round, so there is no cursor.
    """

    workflow: Workflow
    time_budget: timedelta = TIME_BUDGET
    clock: Clock = utc_now

    def __call__(self) -> Reconciled:
        """Deal with each order that is stuck. Two rounds at once start nothing twice."""
        done = Reconciled()
        try:
            for order_id in self._not_running(Round.of(self.time_budget, self.clock)):
                self._deal_with(order_id, done)
        except OutOfTime:
            done.more = True
        return done

    def _not_running(self, time: Round) -> Iterator[str]:
        old = OrderRecord.created_at <= self._stuck_since()
        keys = tables.read_all(OrderRecord.all_unfinished.query(UNFINISHED, old))
        unfinished = [key.order_id for key in time.pace(keys)]
        if not unfinished:
            return
        running = set(time.pace(self.workflow.running()))
        yield from time.pace(order_id for order_id in unfinished if order_id not in running)

    def _deal_with(self, order_id: str, done: Reconciled) -> None:
        with logger.append_context_keys(orderId=order_id):
            try:
                order = store.find(order_id)
                if not order.is_unfinished:
                    _take_the_mark_off(order)
                elif order.updated_at <= self._stuck_since():
                    self._move_on(order, done)
            except Exception as error:  # noqa: BLE001 - one order must not keep the others waiting
                ring(error)
                done.failed += 1

    def _move_on(self, order: OrderRecord, done: Reconciled) -> None:
        ring(WorkflowStopped())  # nothing else tells of it
        if order.ended_as is not None and order.mailing_at is not None:
            self._leave_to_a_person(order, MailOutcomeUnknown.__name__, done)
        elif self.workflow.start_again(order.order_id):
            store.record_event(order, Event(EventName.ORDER_RESTARTED), clock=self.clock)
            done.started += 1
        else:
            self._leave_to_a_person(order, WorkflowStopped.__name__, done)

    def _leave_to_a_person(self, order: OrderRecord, error_name: str, done: Reconciled) -> None:
        step = None if order.ended_as is None else MAIL_STEP
        record_failure(order.order_id, error_name, step=step, clock=self.clock)
        done.attention += 1

    def _stuck_since(self) -> str:
        return to_text(self.clock() - STUCK_AFTER)


def _take_the_mark_off(order: OrderRecord) -> None:
    # A function of an earlier release ended the order, and knew of no mark.
    if order.unfinished is None:
        return
    try:
        tables.update(order, [OrderRecord.unfinished.remove()], order.unchanged)
    except LostRace:
        return
