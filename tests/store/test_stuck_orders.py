"""Orders that no execution carries any more are put back on their way, or left to a person."""

from datetime import timedelta

import pytest

from cardvault.aws import boto_clients
from cardvault.core.clock import to_text
from cardvault.errors import MailOutcomeUnknown, PlacementUnknown
from cardvault.fulfilment import stuck_orders
from cardvault.fulfilment.outcome import record_failure, record_refund
from cardvault.fulfilment.stuck_orders import Reconciled, ReconcileOrders
from cardvault.fulfilment.workflow import MOST_RESTARTS, Workflow
from cardvault.orders import store
from cardvault.orders.records import ORDER_KEY, UNFINISHED, OrderRecord
from cardvault.orders.shred import shred_cards
from tests.support.doubles import START, caller
from tests.support.interrupt import Crash, calls, crash_at

DEFINITION = '{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}'
NOTHING = Reconciled()
ADDRESS = {"email": "ada@example.com"}


class Machine:
    """The state machine on moto, where an execution runs until it is stopped."""

    def __init__(self, steps):
        self.client = boto_clients.step_functions()
        made = self.client.create_state_machine(
            name="fulfilment", definition=DEFINITION, roleArn="arn:aws:iam::123456789012:role/f"
        )
        self.workflow = Workflow(self.client, made["stateMachineArn"])
        self.reconcile = ReconcileOrders(self.workflow, clock=steps.clock)

    def executions(self, status="RUNNING"):
        """The names of those that have that status."""
        listed = self.client.list_executions(
            stateMachineArn=self.workflow.state_machine_arn, statusFilter=status
        )
        return {execution["name"] for execution in listed["executions"]}

    def stop_all(self):
        arn = self.workflow.state_machine_arn.replace(":stateMachine:", ":execution:")
        for name in self.executions():
            self.client.stop_execution(executionArn=f"{arn}:{name}")


@pytest.fixture
def machine(steps):
    return Machine(steps)


def later(steps, **by):
    steps.clock.advance(**(by or {"minutes": 20}))


def watched(order_id):
    """Whether the order is in the index."""
    found = OrderRecord.all_unfinished.query(UNFINISHED)
    return order_id in {key.order_id for key in found}


def test_an_order_whose_execution_was_never_started_is_started_once(steps, machine):
    order = steps.create()
    assert machine.reconcile() == NOTHING, "its execution may be about to be started"
    later(steps)
    assert machine.reconcile() == Reconciled(started=1)
    assert machine.executions() == {order.order_id}
    later(steps)
    assert machine.reconcile() == NOTHING
    assert steps.events(order.order_id) == ["ORDER_CREATED", "ORDER_RESTARTED"]


def test_an_order_whose_execution_was_stopped_goes_on_under_a_new_name(steps, machine):
    order_id = steps.create().order_id
    machine.workflow.start(order_id)
    later(steps, hours=20)
    assert machine.reconcile() == NOTHING, "an execution may wait for a day"
    machine.stop_all()
    assert machine.reconcile() == Reconciled(started=1)
    assert machine.executions() == {f"{order_id}-1"}


def test_an_execution_that_a_person_named_after_the_order_carries_it(steps, machine):
    order_id = steps.create().order_id
    machine.client.start_execution(
        stateMachineArn=machine.workflow.state_machine_arn, name=f"{order_id}-by-hand"
    )
    later(steps)
    assert machine.reconcile() == NOTHING
    assert machine.executions() == {f"{order_id}-by-hand"}


@pytest.mark.parametrize("state", ["placing", "placed", "handling", "storing"])
def test_an_order_is_found_in_every_state_on_its_way(steps, machine, state):
    order = steps.create()
    steps.supplier.placing.append(PlacementUnknown() if state == "placing" else "S1")
    steps.supplier.has("S1")
    if state == "placing":
        with pytest.raises(PlacementUnknown):
            steps.place(order.order_id)
    else:
        steps.place(order.order_id)
    if state == "storing":
        with pytest.raises(Crash), crash_at(7):
            steps.store(order.order_id)
        assert store.find(order.order_id).storing_at is not None
    later(steps)
    assert machine.reconcile() == Reconciled(started=1)
    assert len(steps.supplier.placed) == 1


def test_i3_an_order_that_may_have_been_placed_is_not_placed_again(steps, machine):
    order_id = steps.create().order_id
    steps.supplier.placing.append(PlacementUnknown())
    with pytest.raises(PlacementUnknown):
        steps.place(order_id)
    later(steps)
    machine.reconcile()
    with pytest.raises(PlacementUnknown):  # the first step of what was started
        steps.place(order_id)
    assert len(steps.supplier.placed) == 1


def test_i9_mail_that_may_have_been_sent_is_left_to_a_person(desk, machine):
    steps = desk.steps
    order_id = steps.stored_for()
    desk.mailer.outcomes.append(Crash())
    with pytest.raises(Crash):
        desk.order_mailer.deliver(order_id)
    later(steps)
    assert machine.reconcile() == Reconciled(attention=1)
    order = store.find(order_id)
    assert (order.status, order.attention_reason) == ("attention", MailOutcomeUnknown.code)
    assert steps.events(order_id)[-1] == "ORDER_NEEDS_ATTENTION"
    assert machine.executions() == set()
    assert machine.reconcile() == NOTHING
    assert not watched(order_id)


def test_a_message_that_was_being_sent_again_is_found_too(desk, machine):
    steps = desk.steps
    order_id = steps.stored_for()
    desk.order_mailer.deliver(order_id)
    assert not watched(order_id)
    later(steps)
    desk.mailer.outcomes.append(Crash())
    with pytest.raises(Crash):
        desk.resend(order_id, None, caller())
    assert machine.reconcile() == NOTHING, "it may be on its way"
    later(steps)
    assert machine.reconcile() == Reconciled(attention=1)
    assert store.find(order_id).attention_reason == MailOutcomeUnknown.code


def test_an_order_whose_message_was_not_begun_goes_on(desk, machine):
    order_id = desk.steps.stored_for()
    later(desk.steps)
    assert machine.reconcile() == Reconciled(started=1)
    assert machine.executions() == {order_id}


def test_i13_an_order_that_stops_again_and_again_is_left_to_a_person(steps, machine):
    order_id = steps.create().order_id
    machine.workflow.start(order_id)
    for _ in range(MOST_RESTARTS):
        machine.stop_all()
        later(steps)
        assert machine.reconcile() == Reconciled(started=1)
    machine.stop_all()
    later(steps)
    assert machine.reconcile() == Reconciled(attention=1)
    order = store.find(order_id)
    assert (order.status, order.attention_reason) == ("attention", "WORKFLOW_STOPPED")
    assert len(machine.executions("ABORTED")) == 1 + MOST_RESTARTS
    assert machine.reconcile() == NOTHING


def test_what_ended_well_and_stops_in_its_mail_says_so_and_keeps_its_cards(desk, machine):
    order_id = desk.steps.stored_for()
    for _ in range(1 + MOST_RESTARTS):
        later(desk.steps)
        assert machine.reconcile() == Reconciled(started=1)
        machine.stop_all()
    later(desk.steps)
    assert machine.reconcile() == Reconciled(attention=1)
    order = store.find(order_id)
    assert (order.attention_reason, order.ended_as) == ("WORKFLOW_STOPPED", "fulfilled")
    desk.order_mailer.deliver(order_id)
    assert store.find(order_id).status == "fulfilled"


def test_an_order_is_in_the_index_until_it_needs_no_execution(desk):
    steps = desk.steps
    without_mail, refunded, attention = (steps.create(f"k{n}").order_id for n in range(3))
    assert all(map(watched, (without_mail, refunded, attention)))
    record_refund(refunded, clock=steps.clock)
    record_failure(attention, "SupplierRejected", clock=steps.clock)
    assert not watched(refunded)
    assert not watched(attention)
    steps.supplier.placing.append("S1")
    steps.place(attention)
    assert watched(attention), "it is on its way again"
    stored = steps.stored_order(key="stored")
    assert not watched(stored)
    mailed = steps.stored_for(key="mailed")
    assert watched(mailed)
    desk.order_mailer.deliver(mailed)
    assert not watched(mailed)
    unmailed = steps.stored_for(key="unmailed")
    shred_cards(unmailed, caller(), clock=steps.clock)
    assert not watched(unmailed), "nothing is sent about cards that are gone"


def test_an_order_that_an_earlier_release_ended_is_let_go(steps, machine):
    order_id = steps.stored_order()
    OrderRecord(order_id, ORDER_KEY).update([OrderRecord.unfinished.set(UNFINISHED)])
    later(steps)
    before = steps.events(order_id)
    assert machine.reconcile() == NOTHING
    assert not watched(order_id)
    assert steps.events(order_id) == before


def test_one_order_that_fails_keeps_no_other_waiting(steps, machine, monkeypatch):
    first, second = steps.create("k1").order_id, steps.create("k2").order_id
    find = store.find

    def failing(order_id):
        if order_id == first:
            raise ValueError("malformed")
        return find(order_id)

    monkeypatch.setattr(stuck_orders.store, "find", failing)
    later(steps)
    assert machine.reconcile() == Reconciled(started=1, failed=1)
    assert machine.executions() == {second}


def test_two_rounds_at_once_start_one_execution(steps, machine, monkeypatch):
    order_id = steps.create().order_id
    later(steps)
    monkeypatch.setattr(Workflow, "running", lambda _: iter(()))  # both looked before the start
    assert machine.reconcile() == machine.reconcile() == Reconciled(started=1)
    assert machine.executions() == {order_id}


def test_a_round_ends_in_time_and_the_next_goes_on(steps, machine):
    for number in range(3):
        steps.create(f"k{number}")
    later(steps)
    start = Workflow.start_again

    class Slow(Workflow):
        def start_again(self, order_id):
            steps.clock.advance(seconds=20)
            return start(self, order_id)

    slow = Slow(machine.client, machine.workflow.state_machine_arn)
    assert ReconcileOrders(slow, clock=steps.clock)() == Reconciled(started=2, more=True)
    assert machine.reconcile() == Reconciled(started=1)


def test_it_reads_what_is_not_finished_and_nothing_else(steps, machine):
    for number in range(3):
        steps.stored_order(key=f"ended-{number}")
    later(steps)
    with calls() as made:
        assert machine.reconcile() == NOTHING
    assert made == ["Query"]
    order_id = steps.create("open").order_id
    machine.workflow.start(order_id)
    later(steps)
    with calls() as made:
        assert machine.reconcile() == NOTHING
    assert made == ["Query", "ListExecutions"], "an order that runs is not even read"


def test_the_age_of_an_order_is_that_of_its_last_change(steps, machine):
    order_id = steps.create().order_id
    later(steps, hours=1)
    steps.supplier.placing.append("S1")
    steps.place(order_id)
    assert store.find(order_id).updated_at == to_text(START + timedelta(hours=1))
    assert machine.reconcile() == NOTHING
