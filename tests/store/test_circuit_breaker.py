"""What the supplier refuses is remembered across orders, functions and instances."""

import contextlib
from datetime import timedelta
from unittest.mock import Mock

import pytest

from cardvault.aws import tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.errors import (
    SupplierBlocked,
    SupplierCredentialsRejected,
    SupplierThrottled,
    SupplierUnavailable,
    TooManyWriters,
)
from cardvault.fulfilment.place import PlaceOrder
from cardvault.fulfilment.poll import PollFulfilment
from cardvault.orders import store
from cardvault.supplier.circuit_breaker import (
    MOST_FAILURES,
    PROBE_TAKES,
    REFUSAL_REMEMBERED,
    CircuitBreaker,
    CircuitBreakerRecord,
)
from cardvault.supplier.client import SupplierClient
from local.sandbox import SupplierSandbox
from tests.support.doubles import SupplierSecrets
from tests.support.interrupt import interrupted_at

KEY = ("SUPPLIER", "LOCKOUT")
PAUSE, OUTAGE = timedelta(minutes=16), timedelta(seconds=16)


@pytest.fixture
def sandbox():
    with SupplierSandbox(port=0, handling_s=0.0) as running:
        yield running


@pytest.fixture
def secrets(sandbox):
    return SupplierSecrets(sandbox.origin, "a wrong key")


@pytest.fixture
def place(steps, secrets):
    """Place a new order, on an instance of its own."""
    tables.use(steps.cloud.settings, CircuitBreakerRecord)
    numbers = iter(range(1_000))

    def placing():
        order = steps.create(f"key-{next(numbers)}")
        PlaceOrder(instance(secrets, steps.clock), steps.clock)(order.order_id)
        return order.order_id

    return placing


def instance(secrets, clock):
    return SupplierClient(CachedSecret(secrets, "arn"), CircuitBreaker(PAUSE, OUTAGE, 0, clock))


def asked(sandbox):
    return sum(sandbox.counts()["routes"].values())


def test_i13_orders_of_a_minute_send_a_refused_key_once_whatever_instance_they_are_on(
    steps, sandbox, place
):
    for _ in range(10):
        with pytest.raises(SupplierCredentialsRejected):
            place()
        steps.clock.advance(seconds=5.9)
    assert asked(sandbox) == 1
    steps.clock.advance(seconds=1)
    with pytest.raises(SupplierCredentialsRejected):
        place()
    assert asked(sandbox) == 2, "a key may be let in again without being changed"


def test_a_key_set_since_is_used_at_once_and_by_everyone(steps, sandbox, secrets, place):
    with pytest.raises(SupplierCredentialsRejected):
        place()
    secrets.key = sandbox.key
    for _ in range(3):
        place()
    assert sandbox.counts()["routes"] == {"placeOrder": 4}


def test_an_instance_that_still_holds_the_refused_key_reads_the_new_one(steps, sandbox, secrets):
    tables.use(steps.cloud.settings, CircuitBreakerRecord)
    warm = instance(secrets, steps.clock)
    warm.make_ready()
    with pytest.raises(SupplierCredentialsRejected):
        instance(secrets, steps.clock).place_order("P1", "T1", 1)
    secrets.key = sandbox.key
    warm.place_order("P1", "T1", 1)
    assert sandbox.counts()["routes"] == {"placeOrder": 2}


def test_a_refused_order_holds_no_mark_so_that_it_can_be_redriven(steps, secrets, sandbox, place):
    with pytest.raises(SupplierCredentialsRejected):
        place()
    with pytest.raises(SupplierCredentialsRejected):
        place()
    secrets.key = sandbox.key
    for order_id in steps.started:
        assert store.find(order_id).placing_at is None
        PlaceOrder(instance(secrets, steps.clock), steps.clock)(order_id)
    assert steps.events(steps.started[1]) == ["ORDER_CREATED", "ORDER_PLACING", "ORDER_PLACED"]


def test_a_block_is_waited_out_by_every_step_and_ends_before_the_pause_does(
    steps, sandbox, secrets, place
):
    secrets.key = sandbox.key
    placed = place()
    sandbox.arm("wrong_key", "IP_BLOCKED", times=1)
    poll = PollFulfilment(instance(secrets, steps.clock), timedelta(days=1), steps.clock)
    for step in (lambda: poll(placed, execution_started_at=steps.clock()), place, place):
        with pytest.raises(SupplierBlocked):
            step()
    assert sandbox.counts()["routes"] == {"placeOrder": 1, "checkOrder": 1}
    steps.clock.advance(minutes=15)
    place()
    assert poll(placed, execution_started_at=steps.clock()).final


@pytest.fixture
def breaker(steps):
    """Of one instance among many; `limit` is what all may ask in a second."""
    tables.use(steps.cloud.settings, CircuitBreakerRecord)
    return lambda limit=0: CircuitBreaker(PAUSE, OUTAGE, limit, steps.clock)


def fail(breaker, times=MOST_FAILURES):
    for _ in range(times):
        breaker.note_failed(breaker.admit())


def blocked(breaker):
    breaker.note_blocked()
    return PAUSE


def refused(breaker):
    breaker.note_refused("a version")
    return REFUSAL_REMEMBERED


def failing(breaker):
    fail(breaker)
    return OUTAGE


TROUBLES = pytest.mark.parametrize("trouble", [blocked, refused, failing])


@TROUBLES
def test_i13_after_trouble_one_request_tries_and_all_others_wait_for_its_answer(
    steps, breaker, trouble
):
    steps.clock.now += trouble(breaker())
    elected = breaker().admit()
    for waits in (breaker().admit, breaker().refused_version):
        with pytest.raises(SupplierUnavailable):
            waits()
    breaker().note_well(elected)
    for _ in range(3):
        breaker().admit()


@TROUBLES
def test_i13_of_two_at_once_one_is_elected(steps, breaker, trouble):
    steps.clock.now += trouble(breaker())
    first = []
    between_reading_and_writing = interrupted_at(2, lambda: first.append(breaker().admit()))
    with between_reading_and_writing, pytest.raises(SupplierUnavailable):
        breaker().admit()
    assert len(first) == 1


@TROUBLES
def test_an_elected_request_that_dies_is_followed_by_another(steps, breaker, trouble):
    steps.clock.now += trouble(breaker())
    breaker().admit()
    steps.clock.now += PROBE_TAKES
    breaker().admit()
    with pytest.raises(SupplierUnavailable):
        breaker().admit()


@pytest.mark.parametrize(
    ("answer", "raises"),
    [
        (lambda one, admitted: one.note_failed(admitted), SupplierUnavailable),
        (lambda one, _: one.note_blocked(), SupplierBlocked),
        (lambda one, _: one.note_throttled(5), SupplierThrottled),
    ],
)
def test_trouble_that_goes_on_opens_the_circuit_again(steps, breaker, answer, raises):
    fail(breaker())
    steps.clock.now += OUTAGE
    answer(breaker(), breaker().admit())
    with pytest.raises(raises):
        breaker().admit()
    steps.clock.now += PAUSE
    breaker().admit()


def test_i3_an_order_that_lost_every_race_to_ask_is_in_no_doubt(
    steps, sandbox, secrets, place, monkeypatch
):
    secrets.key = sandbox.key
    with monkeypatch.context() as crowded:
        crowded.setattr(CircuitBreaker, "admit", Mock(side_effect=TooManyWriters))
        with pytest.raises(SupplierThrottled):
            place()
    assert store.find(steps.started[-1]).placing_at is None
    place()


def test_a_supplier_that_fails_is_left_alone_by_everyone(steps, sandbox, secrets, place):
    secrets.key = sandbox.key
    placed = place()
    sandbox.arm("server_errors", times=MOST_FAILURES)
    poll = PollFulfilment(instance(secrets, steps.clock), timedelta(days=1), steps.clock)
    for _ in range(MOST_FAILURES + 3):
        with pytest.raises(SupplierUnavailable):
            poll(placed, execution_started_at=steps.clock())
    with pytest.raises(SupplierUnavailable):
        place()
    assert sandbox.counts()["routes"] == {"placeOrder": 1, "checkOrder": MOST_FAILURES}
    assert store.find(steps.started[-1]).placing_at is None, (
        "nothing was asked, nothing is in doubt"
    )
    steps.clock.now += OUTAGE
    assert poll(placed, execution_started_at=steps.clock()).final


def test_a_good_answer_between_keeps_the_circuit_closed(breaker):
    for _ in range(3):
        fail(breaker(), MOST_FAILURES - 1)
        breaker().note_well(breaker().admit())
    breaker().admit()


def test_an_answer_to_an_earlier_request_does_not_end_trouble_that_was_heard_since(breaker):
    fail(breaker(), 1)
    admitted = breaker().admit()
    breaker().note_blocked()
    breaker().note_well(admitted)
    with pytest.raises(SupplierBlocked):
        breaker().admit()


def test_a_pause_that_the_supplier_asks_one_request_for_holds_for_all(
    steps, sandbox, secrets, place
):
    secrets.key = sandbox.key
    placed = place()
    sandbox.arm("rate_limited", times=1)
    polls = [
        PollFulfilment(instance(secrets, steps.clock), timedelta(days=1), steps.clock)
        for _ in range(3)
    ]
    for poll in polls:
        with pytest.raises(SupplierThrottled):
            poll(placed, execution_started_at=steps.clock())
    assert sandbox.counts()["routes"]["checkOrder"] == 1


def test_all_instances_together_ask_no_more_in_a_second_than_the_stack_says(steps, breaker):
    for _ in range(2):
        for _ in range(3):
            breaker(limit=3).admit()
        for full in (breaker(limit=3).admit, breaker(limit=3).refused_version):
            with pytest.raises(SupplierThrottled):
                full()
        steps.clock.advance(seconds=1)


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_of_two_at_once_both_count(breaker, asked):
    for _ in range(asked):
        breaker(limit=3).admit()
    admitted = []
    quicker = interrupted_at(2, lambda: admitted.append(breaker(limit=3).admit()))
    with quicker, contextlib.suppress(SupplierThrottled):
        admitted.append(breaker(limit=3).admit())
    assert len(admitted) == min(2, 3 - asked)
    assert CircuitBreakerRecord.get(*KEY).asked == asked + len(admitted)
