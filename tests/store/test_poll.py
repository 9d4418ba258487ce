"""Polling ends with the supplier's final status, or by its deadline whatever the supplier does."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from cardvault.errors import (
    FulfilmentOverdue,
    OrderPending,
    SupplierBlocked,
    SupplierRejected,
    SupplierThrottled,
    SupplierUnavailable,
)
from cardvault.fulfilment.poll import PollFulfilment
from tests.support.doubles import START

DEADLINE = timedelta(days=1)


@dataclass
class Failing:
    error: Exception

    def check_order(self, _):
        raise self.error


@pytest.fixture
def placed(steps):
    order_id = steps.create().order_id
    steps.supplier.placing = ["S1"]
    steps.place(order_id)
    return order_id


def poll(steps, order_id, supplier=None):
    step = PollFulfilment(supplier or steps.supplier, DEADLINE, steps.clock)
    return step(order_id, execution_started_at=START)


@pytest.mark.parametrize("error", [SupplierUnavailable, SupplierThrottled, SupplierBlocked])
def test_an_outage_is_waited_out_until_the_deadline_and_no_longer(steps, placed, error):
    steps.clock.advance(hours=24)
    with pytest.raises(error):
        poll(steps, placed, Failing(error()))
    steps.clock.advance(seconds=1)
    with pytest.raises(FulfilmentOverdue):
        poll(steps, placed, Failing(error()))


def test_what_is_final_stays_so_after_the_deadline(steps, placed):
    steps.supplier.has("S1", "HANDLING")
    with pytest.raises(OrderPending):
        poll(steps, placed)
    steps.clock.advance(hours=25)
    with pytest.raises(FulfilmentOverdue):
        poll(steps, placed)
    with pytest.raises(SupplierRejected):
        poll(steps, placed, Failing(SupplierRejected()))
    steps.supplier.has("S1", "FULFILLED")
    assert poll(steps, placed).final
