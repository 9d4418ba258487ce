"""What a tenant and a client may order: cards an order, cards a day, counted with the order."""

from datetime import timedelta

import pytest

from cardvault import errors
from cardvault.aws import boto_clients, tables
from cardvault.errors import DailyCeilingReached, InvalidRequest, OrderAboveCeiling
from cardvault.fulfilment.outcome import record_failure, record_refund
from cardvault.identity import ceilings, clients
from cardvault.identity.admin import ManageClients
from cardvault.identity.clients import ApiClient, ClientNotFound
from cardvault.orders import store
from tests.support.doubles import caller, canary_cards

TENANT, CLIENT, OTHER = "a" * 24, "c" * 24, "b" * 24
ADOPTED = "5f" + "0" * 22


def today(steps, kind=ceilings.TENANT, its_id=TENANT):
    return ceilings.find(kind, its_id).counted_on(ceilings.day_of(steps.clock()))


def allow(kind, its_id, **most):
    ceilings.change(kind, its_id, most)


def placed(steps, quantity, key="key-1"):
    order_id = steps.create(key, quantity=quantity).order_id
    steps.supplier.placing.append(f"S-{order_id}")
    steps.place(order_id)
    return order_id


def test_orders_of_a_day_count_for_their_tenant_and_client(steps):
    steps.create("key-1", quantity=3)
    steps.create("key-2", caller("bob"), quantity=4)
    steps.create("key-3", caller("eve", OTHER), quantity=5)
    assert today(steps) == 7
    assert today(steps, ceilings.TENANT, OTHER) == 5
    assert today(steps, ceilings.CLIENT, CLIENT) == 12
    steps.clock.advance(days=1)
    assert today(steps) == 0
    steps.create("key-4", quantity=2)
    assert today(steps) == 2


@pytest.mark.parametrize(("kind", "its_id"), [(ceilings.TENANT, TENANT), (ceilings.CLIENT, CLIENT)])
def test_a_day_s_ceiling_is_reached_and_not_passed(steps, kind, its_id):
    allow(kind, its_id, cards_per_day=5)
    steps.create("key-1", quantity=3)
    steps.clock.advance(milliseconds=678)
    with pytest.raises(DailyCeilingReached) as refused:
        steps.create("key-2", quantity=3)
    assert refused.value.details == {
        "ceiling": kind,
        "cardsPerDay": 5,
        "left": 2,
        "resetsAt": "2026-01-03T00:00:00.000Z",
    }
    until = timedelta(hours=20, minutes=55, seconds=55)
    assert refused.value.retry_after_s == until.total_seconds()
    steps.create("key-2", quantity=2)
    assert today(steps, kind, its_id) == 5
    steps.clock.advance(seconds=refused.value.retry_after_s)
    steps.create("key-3", quantity=5)


@pytest.mark.parametrize("most", [{"cards_per_order": 2}, {"cards_per_day": 2}])
def test_an_order_that_can_never_fit_is_refused_for_good(steps, most):
    allow(ceilings.CLIENT, CLIENT, **most)
    with pytest.raises(OrderAboveCeiling) as refused:
        steps.create(quantity=3)
    assert refused.value.details == {"ceiling": "client", "cardsPerOrder": 2}
    assert today(steps) == 0, "nothing was counted"
    steps.create(quantity=2)


def test_a_tenant_without_a_ceiling_of_its_own_has_the_stack_s(steps):
    steps.tenants_cards_per_day = 4
    steps.create("key-1", quantity=3)
    with pytest.raises(DailyCeilingReached):
        steps.create("key-2", quantity=2)
    allow(ceilings.TENANT, TENANT, cards_per_day=6)
    steps.create("key-2", quantity=2)
    allow(ceilings.TENANT, TENANT, cards_per_day=None)
    with pytest.raises(DailyCeilingReached):
        steps.create("key-3", quantity=1)


def test_a_ceiling_of_zero_stops_all_orders(steps):
    allow(ceilings.CLIENT, CLIENT, cards_per_day=0)
    with pytest.raises(OrderAboveCeiling):
        steps.create(quantity=1)


def test_a_repeat_counts_once_and_is_answered_though_the_ceiling_is_reached(steps):
    allow(ceilings.TENANT, TENANT, cards_per_day=3)
    first = steps.create(quantity=3)
    assert steps.create(quantity=3).order_id == first.order_id
    assert today(steps) == 3


def test_a_repeat_whose_first_request_reached_the_ceiling_meanwhile_gets_its_order(
    steps, monkeypatch
):
    allow(ceilings.TENANT, TENANT, cards_per_day=3)
    find, first = ceilings.find, []

    def find_late(kind, its_id):
        if not first:
            first.append(None)
            first[0] = steps.create(quantity=3)
        return find(kind, its_id)

    monkeypatch.setattr(ceilings, "find", find_late)
    assert steps.create(quantity=3).order_id == first[0].order_id


def test_an_order_that_is_refused_leaves_its_key_unused(steps):
    allow(ceilings.TENANT, TENANT, cards_per_day=2)
    with pytest.raises(OrderAboveCeiling):
        steps.create(quantity=3)
    assert steps.create(quantity=2).status == "received"


def test_another_who_was_quicker_makes_it_count_afresh(steps, monkeypatch):
    allow(ceilings.TENANT, TENANT, cards_per_day=5)
    steps.create("key-1", quantity=1)
    room, late = ceilings._expect_room, []

    def late_room(*asked):
        room(*asked)
        if not late:
            late.append(True)
            steps.create("key-2", quantity=3)

    monkeypatch.setattr(ceilings, "_expect_room", late_room)
    with pytest.raises(DailyCeilingReached) as refused:
        steps.create("key-3", quantity=2)
    assert (refused.value.details["left"], today(steps)) == (1, 4)


def test_an_adopted_order_was_bought_elsewhere_and_does_not_count(steps):
    allow(ceilings.TENANT, TENANT, cards_per_day=0)
    adopt = {"productId": None, "typeId": None, "quantity": None, "supplierOrderId": ADOPTED}
    order = steps.create("key-1", caller(scopes="orders:adopt"), **adopt)
    record_refund(order.order_id, clock=steps.clock)
    assert today(steps) == 0


# --- giving back ---


def refused_by_supplier(steps, quantity=3):
    order_id = steps.create(quantity=quantity).order_id
    steps.supplier.placing.append(errors.SupplierOutOfStock())
    with pytest.raises(errors.SupplierOutOfStock):
        steps.place(order_id)
    record_failure(order_id, "SupplierOutOfStock", clock=steps.clock)
    return order_id


def test_an_order_that_the_supplier_refused_gives_its_cards_back_once(steps):
    order_id = refused_by_supplier(steps)
    assert (today(steps), today(steps, ceilings.CLIENT, CLIENT)) == (0, 0)
    record_failure(order_id, "SupplierRejected", clock=steps.clock)
    assert today(steps) == 0


def test_an_order_in_doubt_gives_nothing_back(steps):
    order_id = steps.create(quantity=3).order_id
    steps.supplier.placing.append(errors.PlacementUnknown())
    with pytest.raises(errors.PlacementUnknown):
        steps.place(order_id)
    record_failure(order_id, "PlacementNotFound", clock=steps.clock)
    assert today(steps) == 3


def test_an_order_that_was_placed_and_then_fails_gives_nothing_back(steps):
    record_failure(placed(steps, 3), "FulfilmentOverdue", clock=steps.clock)
    assert today(steps) == 3


def test_a_redrive_counts_again_whatever_the_ceiling(steps):
    order_id = refused_by_supplier(steps)
    allow(ceilings.TENANT, TENANT, cards_per_day=0)
    steps.clock.advance(days=1)
    steps.supplier.placing.append(f"S-{order_id}")
    steps.place(order_id)
    assert today(steps) == 3
    steps.place(order_id)
    assert today(steps) == 3
    record_refund(order_id, clock=steps.clock)
    assert today(steps) == 0


def test_a_refund_gives_back_once(steps):
    order_id = placed(steps, 3)
    for _ in range(2):
        record_refund(order_id, clock=steps.clock)
    assert (today(steps), store.find(order_id).counted_on) == (0, None)


def test_what_is_missing_of_a_partly_filled_order_is_given_back(steps):
    order_id = placed(steps, 5)
    delivered = {"quantity": 5, "cards": canary_cards(2)}
    steps.supplier.has(f"S-{order_id}", "PARTIALLY_FILLED", **delivered)
    for _ in range(2):
        steps.store(order_id)
    assert today(steps) == 2


def test_what_an_earlier_day_took_gives_a_later_day_nothing(steps):
    order_id = placed(steps, 3)
    steps.clock.advance(days=1)
    steps.create("key-2", quantity=4)
    record_refund(order_id, clock=steps.clock)
    assert today(steps) == 4


def test_an_order_of_an_earlier_release_counts_when_it_is_placed(steps):
    order_id = steps.create(quantity=3).order_id
    order = store.find(order_id)
    order.update([type(order).counted_on.remove(), type(order).client_id.remove()])
    steps.clock.advance(days=1)
    steps.supplier.placing.append("S1")
    steps.place(order_id)
    assert (today(steps), today(steps, ceilings.CLIENT, CLIENT)) == (3, 0)


# --- what operators do ---


@pytest.fixture
def manage(steps):
    tables.use(steps.cloud.settings, ApiClient)
    secret_arn = steps.cloud.settings.supplier_secret_arn
    return ManageClients(
        boto_clients.secrets_manager(), secret_arn, lambda *_: "PRODUCTION", clock=steps.clock
    )


def test_an_operator_sets_and_sees_the_ceilings_of_a_tenant(manage, steps):
    asked = {"tenantId": TENANT, "cardsPerOrder": 10, "cardsPerDay": 20}
    assert manage({"action": "set_ceilings", **asked}) == asked
    steps.create(quantity=3)
    shown = manage({"action": "get_ceilings", "tenantId": TENANT})
    assert shown == {**asked, "cardsToday": 3}
    manage({"action": "set_ceilings", "tenantId": TENANT, "cardsPerOrder": None})
    shown = manage({"action": "get_ceilings", "tenantId": TENANT})
    assert shown == {**asked, "cardsPerOrder": None, "cardsToday": 3}


def test_a_client_must_exist_to_have_a_ceiling(manage, steps):
    asked = {"action": "set_ceilings", "cardsPerDay": 20}
    with pytest.raises(ClientNotFound):
        manage({**asked, "clientId": CLIENT})
    made = clients.create("shop", ["orders:write"], clock=steps.clock).client.client_id
    assert manage({**asked, "clientId": made})["clientId"] == made


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "either clientId or tenantId"),
        ({"clientId": CLIENT, "tenantId": TENANT, "cardsPerDay": 1}, "either clientId or"),
        ({"tenantId": TENANT}, "cardsPerOrder or cardsPerDay is required"),
        ({"tenantId": TENANT, "cardsPerDay": -1}, "cardsPerDay must have"),
        ({"tenantId": TENANT, "cardsPerDay": "1"}, "cardsPerDay must be"),
    ],
)
def test_a_slip_is_named(manage, request_, said):
    with pytest.raises(InvalidRequest, match=said):
        manage({"action": "set_ceilings", **request_})
