"""What the supplier refuses is remembered across orders, functions and instances."""

from datetime import timedelta

import pytest

from cardvault.aws import tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.errors import SupplierBlocked, SupplierCredentialsRejected
from cardvault.fulfilment.place import PlaceOrder
from cardvault.fulfilment.poll import PollFulfilment
from cardvault.orders import store
from cardvault.supplier.circuit_breaker import CircuitBreaker, CircuitBreakerRecord
from cardvault.supplier.client import SupplierClient
from local.sandbox import SupplierSandbox
from tests.support.doubles import SupplierSecrets

PAUSE = timedelta(minutes=16)


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
    return SupplierClient(CachedSecret(secrets, "arn"), CircuitBreaker(PAUSE, clock))


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
