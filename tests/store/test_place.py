"""I3: a supplier order is placed at most once, whatever times out, crashes or is retried."""

from datetime import timedelta

import pytest

from cardvault.errors import (
    OrderNotFound,
    PlacementAmbiguous,
    PlacementDuplicated,
    PlacementNotFound,
    PlacementUnknown,
    SupplierBlocked,
    SupplierCredentialsRejected,
    SupplierOutOfStock,
    SupplierThrottled,
    SupplierUnavailable,
)
from cardvault.fulfilment.outcome import record_failure
from cardvault.fulfilment.place import PlaceOrder, record_placement
from cardvault.orders import store
from tests.support.doubles import START


def test_a_placed_order_is_not_placed_again(steps):
    order = steps.create()
    steps.supplier.placing = ["S1"]
    placed = steps.place(order.order_id)
    again = steps.place(order.order_id)
    assert placed.supplier_order_id == again.supplier_order_id == "S1"
    assert steps.supplier.placed == [("P1", "T1", 3)]


def test_a_lost_answer_leads_to_reconciling_and_never_to_a_second_order(steps):
    order = steps.create()
    steps.supplier.placing = [PlacementUnknown()]
    for _ in range(3):
        with pytest.raises(PlacementUnknown):
            steps.place(order.order_id)
    assert len(steps.supplier.placed) == 1
    steps.supplier.has("S1")
    assert steps.reconcile(order.order_id).supplier_order_id == "S1"
    assert steps.place(order.order_id).supplier_order_id == "S1"
    assert len(steps.supplier.placed) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        SupplierThrottled(),
        SupplierUnavailable(),
        SupplierBlocked(),
        SupplierCredentialsRejected(),
        SupplierOutOfStock(),
    ],
)
def test_a_refusal_that_bought_nothing_may_be_tried_again(steps, refusal):
    order = steps.create()
    steps.supplier.placing = [refusal, "S1"]
    with pytest.raises(type(refusal)):
        steps.place(order.order_id)
    assert steps.place(order.order_id).supplier_order_id == "S1"


def test_a_crash_after_the_answer_reconciles_too(steps, monkeypatch):
    order = steps.create()
    steps.supplier.placing = ["S1"]
    monkeypatch.setattr("cardvault.fulfilment.place.record_placement", _crash)
    with pytest.raises(KeyboardInterrupt):
        steps.place(order.order_id)
    monkeypatch.undo()
    with pytest.raises(PlacementUnknown):
        steps.place(order.order_id)
    steps.supplier.has("S1")
    assert steps.reconcile(order.order_id).supplier_order_id == "S1"


def _crash(*_args, **_options):
    raise KeyboardInterrupt


def test_reconciling_takes_no_other_product_time_or_owner(steps):
    order = steps.create()
    other = steps.create("key-2")
    steps.supplier.placing = ["S-other", PlacementUnknown()]
    steps.place(other.order_id)
    with pytest.raises(PlacementUnknown):
        steps.place(order.order_id)
    steps.supplier.has("S-other")
    steps.supplier.has("S-type", type_id="T2")
    steps.supplier.has("S-quantity", quantity=4)
    steps.supplier.has("S-before", created_at=START - timedelta(minutes=2))
    steps.supplier.has("S-undated", created_at=None)
    with pytest.raises(PlacementNotFound):
        steps.reconcile(order.order_id)
    steps.supplier.has("S-ours", created_at=START + timedelta(seconds=20))
    assert steps.reconcile(order.order_id).supplier_order_id == "S-ours"


def test_two_that_could_be_ours_are_for_a_person(steps):
    order = steps.create()
    steps.supplier.placing = [PlacementUnknown()]
    with pytest.raises(PlacementUnknown):
        steps.place(order.order_id)
    steps.supplier.has("S1")
    steps.supplier.has("S2")
    with pytest.raises(PlacementAmbiguous):
        steps.reconcile(order.order_id)
    resolved = steps.place(order.order_id, supplier_order_id="S2")
    assert resolved.supplier_order_id == "S2"


def test_an_operators_word_holds_for_one_try_and_not_before_it_can_be_known(steps):
    order = steps.create()
    steps.supplier.placing = [PlacementUnknown(), PlacementUnknown(), "S1"]
    with pytest.raises(PlacementUnknown):
        steps.place(order.order_id)
    doubted = store.find(order.order_id).placing_at
    with pytest.raises(PlacementUnknown):
        steps.place(order.order_id, confirmed_not_placed=doubted)
    assert len(steps.supplier.placed) == 1, "too early to know"
    steps.clock.advance(minutes=6)
    for _ in range(3):
        with pytest.raises(PlacementUnknown):
            steps.place(order.order_id, confirmed_not_placed=doubted)
    assert len(steps.supplier.placed) == 2, "the same word does not count twice"


def test_a_refusal_does_not_undo_anothers_try(steps):
    order = steps.create()
    steps.supplier.placing = [PlacementUnknown()]
    with pytest.raises(PlacementUnknown):
        steps.place(order.order_id)
    mine = PlaceOrder(steps.supplier, steps.clock)
    with pytest.raises(PlacementUnknown):
        mine._withdraw_intent(order.order_id, "another attempt", SupplierThrottled())
    assert store.find(order.order_id).placing_at is not None


def test_a_pause_is_kept_after_the_mark_is_gone(steps):
    order = steps.create()
    steps.supplier.placing = [SupplierThrottled(7.0)]
    with pytest.raises(SupplierThrottled):
        steps.place(order.order_id)
    assert steps.supplier.paused == [7.0]
    assert store.find(order.order_id).placing_at is None


def test_a_second_sale_is_named_in_the_trail_and_needs_a_person(steps):
    order = steps.create()
    steps.supplier.placing = ["S1"]
    steps.place(order.order_id)
    with pytest.raises(PlacementDuplicated):
        record_placement(order.order_id, "S2", clock=steps.clock)
    assert steps.events(order.order_id)[-1] == "SUPPLIER_ORDER_ORPHANED"
    assert store.find(order.order_id).supplier_order_id == "S1"


def test_a_failure_elsewhere_does_not_undo_a_good_end(steps):
    order_id = steps.stored_order(3)
    record_failure(order_id, "FulfilmentOverdue", clock=steps.clock)
    assert store.find(order_id).status == "fulfilled"
    record_failure(order_id, "StoredCardsDiffer", clock=steps.clock)
    assert store.find(order_id).status == "attention"
    assert steps.place(order_id).status == "fulfilled"


def test_a_redriven_order_goes_on_from_where_it_was(steps):
    order = steps.create()
    steps.supplier.placing = ["S1"]
    steps.place(order.order_id)
    record_failure(order.order_id, "FulfilmentOverdue", clock=steps.clock)
    assert store.find(order.order_id).attention_reason == "FULFILMENT_OVERDUE"
    redriven = steps.place(order.order_id)
    assert (redriven.status, redriven.attention_reason) == ("placed", None)
    assert steps.events(order.order_id)[-2:] == ["ORDER_NEEDS_ATTENTION", "ORDER_REDRIVEN"]


def test_an_order_that_is_tried_again_is_no_longer_in_attention(steps):
    order = steps.create()
    steps.supplier.placing = [SupplierOutOfStock(), PlacementUnknown()]
    with pytest.raises(SupplierOutOfStock):
        steps.place(order.order_id)
    record_failure(order.order_id, "SupplierOutOfStock", clock=steps.clock)
    assert store.find(order.order_id).status == "attention"
    with pytest.raises(PlacementUnknown):
        steps.place(order.order_id)
    assert store.find(order.order_id).status == "received"


def test_an_order_that_is_not_there_is_not_placed(steps):
    with pytest.raises(OrderNotFound):
        steps.place("0" * 24)
    assert steps.supplier.placed == []
