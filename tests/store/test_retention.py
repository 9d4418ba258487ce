"""Cards and addresses whose time is over go by themselves, by the stack's days or the tenant's."""

from datetime import timedelta

import pytest
from pynamodb.exceptions import DoesNotExist

from cardvault.audit import trail
from cardvault.aws import tables
from cardvault.errors import CardsShredded, InvalidRequest
from cardvault.fulfilment.outcome import MAIL_STEP, record_failure
from cardvault.identity import retention
from cardvault.identity.admin import ManageClients
from cardvault.identity.retention import Retention, TenantRetention
from cardvault.orders import retention as applying
from cardvault.orders import shred, store
from cardvault.orders.retention import Applied, ApplyRetention, RetentionProgress
from cardvault.sealing.store import DataKeyRecord, SealedPage
from tests.support.chaining import verified
from tests.support.doubles import caller

ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}
OFF = Retention()
TENANT = "a" * 24


@pytest.fixture(autouse=True)
def _tables(steps):
    tables.use(steps.cloud.settings, TenantRetention, RetentionProgress)


class Crash(BaseException):
    """The function ends where it is: nothing catches that."""


def apply(steps, stacks=OFF, **given):
    return ApplyRetention(stacks, clock=steps.clock, **given)()


def pages(order_id):
    return list(SealedPage.query(order_id, SealedPage.sort_key.startswith("CARDS#")))


def last_event(order_id, name):
    return [one for one in trail.read_all(order_id) if one.event == name][-1]


def test_nothing_ends_unless_somebody_asked_for_it(steps):
    order_id = steps.stored_for(**ADA)
    steps.reveal(order_id)
    steps.clock.advance(days=4000)
    assert apply(steps) == Applied()
    assert steps.reveal(order_id).cards
    assert store.find(order_id).names_recipient
    assert tables.find(RetentionProgress, RetentionProgress().key, "MARK") is None


@pytest.mark.parametrize(
    ("stacks", "reason"),
    [
        (Retention(shred_after_days=30), "SHRED_AFTER_DAYS"),
        (Retention(shred_after_delivery_days=30), "SHRED_AFTER_DELIVERY_DAYS"),
    ],
)
def test_i8_cards_are_shredded_when_their_days_are_over(steps, stacks, reason):
    order_id = steps.stored_order(600)
    steps.reveal(order_id)
    steps.clock.advance(days=30, seconds=-1)
    assert apply(steps, stacks) == Applied()
    steps.clock.advance(days=1)
    assert apply(steps, stacks) == Applied(shredded=1)
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)
    assert pages(order_id) == []
    event = last_event(order_id, "CARDS_SHREDDED")
    assert (event.reason, event.card_count) == (reason, 600)
    assert (event.user_id, event.client_id) == (None, None), "nobody asked"
    assert verified(order_id) is None
    steps.clock.advance(days=1)
    assert apply(steps, stacks) == Applied(), "once"


def test_cards_that_nobody_got_are_not_delivered(steps):
    order_id = steps.stored_order(3)
    steps.clock.advance(days=400)
    assert apply(steps, Retention(shred_after_delivery_days=1)).shredded == 0
    assert steps.reveal(order_id).cards


EVERYTHING = Retention(shred_after_days=1, shred_after_delivery_days=1, erase_after_days=1)


def test_an_order_on_its_way_is_left_alone(steps, desk):
    created = steps.create("created", delivery=ADA).order_id
    placed = steps.create("placed", delivery=ADA).order_id
    steps.supplier.placing.append("S-placed")
    steps.place(placed)
    unmailed = steps.stored_for(key="unmailed", **ADA)
    steps.reveal(unmailed)
    steps.clock.advance(days=400)
    assert apply(steps, EVERYTHING) == Applied()
    for order_id in (created, placed, unmailed):
        assert store.find(order_id).names_recipient
    assert steps.reveal(unmailed).cards
    desk.order_mailer.deliver(unmailed)
    steps.clock.advance(days=1)
    assert apply(steps, EVERYTHING) == Applied(shredded=1, erased=1), "now it has ended"


def test_an_order_that_a_person_has_is_not_on_its_way(steps):
    order_id = steps.stored_for(**ADA)
    record_failure(order_id, "MailOutcomeUnknown", step=MAIL_STEP, clock=steps.clock)
    steps.clock.advance(days=2)
    assert apply(steps, EVERYTHING) == Applied(shredded=1), "its address is needless from now on"
    steps.clock.advance(days=1)
    assert apply(steps, EVERYTHING) == Applied(erased=1)


def test_an_order_that_cannot_be_dealt_with_keeps_no_other_waiting(steps, monkeypatch, output):
    orders = {steps.stored_order(key=f"k{number}") for number in range(3)}
    steps.clock.advance(days=2)
    bad, shredding = min(orders), applying.shred

    def failing(order, *given, **why):
        if order.order_id == bad:
            raise ValueError("CANARY")
        return shredding(order, *given, **why)

    with monkeypatch.context() as patch:
        patch.setattr(applying, "shred", failing)
        assert apply(steps, EVERYTHING) == Applied(shredded=2, failed=1)
    assert "TaskFailures" in output.text()
    steps.clock.advance(days=1)
    assert apply(steps, EVERYTHING) == Applied(shredded=1)


def test_an_address_is_erased_when_its_days_are_over(steps, desk):
    needed, _ = desk.mailed(key="needed", **ADA)
    order_id, _ = desk.mailed(key="delivered", **ADA)
    steps.reveal(order_id)
    stacks = Retention(erase_after_days=7)
    steps.clock.advance(days=8)
    assert apply(steps, stacks) == Applied(erased=1)
    assert not store.find(order_id).names_recipient
    assert store.find(needed).names_recipient, "its cards have not come yet"
    event = last_event(order_id, "RECIPIENT_ERASED")
    assert (event.reason, event.user_id, event.client_id) == ("ERASE_AFTER_DAYS", None, None)
    assert verified(order_id) is None


def test_a_tenants_own_days_take_the_place_of_the_stacks(steps):
    ours = steps.stored_order(key="ours")
    theirs = steps.stored_order(key="theirs", by=caller(tenant_id="b" * 24))
    stacks = Retention(shred_after_days=10)
    retention.change(TENANT, {"shred_after_days": 0})
    steps.clock.advance(days=20)
    assert apply(steps, stacks).shredded == 1
    assert store.find(theirs).shredded_at
    retention.change(TENANT, {"shred_after_days": 30})
    steps.clock.advance(days=2)
    assert apply(steps, OFF).shredded == 0, "not yet"
    steps.clock.advance(days=9)
    assert apply(steps, OFF).shredded == 1, "a tenant's days count where the stack has none"
    assert store.find(ours).shredded_at
    retention.change(TENANT, {"shred_after_days": None})
    assert retention.of_tenants(stacks)[TENANT] == stacks


def test_operators_set_and_read_a_tenants_days(steps):
    manage = ManageClients(None, "", check_key=None)
    asked = {"tenantId": TENANT, "shredAfterDays": 90, "eraseAfterDays": 0}
    assert manage({"action": "set_retention", **asked}) == asked
    manage({"action": "set_retention", "tenantId": TENANT, "shredAfterDays": None})
    told = manage({"action": "get_retention", "tenantId": TENANT})
    days = {"shredAfterDays": None, "shredAfterDeliveryDays": None, "eraseAfterDays": 0}
    assert told == {"tenantId": TENANT, **days}
    for wrong in ({}, {"shredAfterDays": -1}, {"eraseAfterDays": 4000}, {"days": 1}):
        with pytest.raises(InvalidRequest):
            manage({"action": "set_retention", "tenantId": TENANT, **wrong})


def test_every_order_is_looked_at_once_a_day_however_short_the_rounds(steps, monkeypatch):
    for number in range(7):
        steps.stored_order(key=f"k{number}")
    steps.clock.advance(days=2)
    stacks, looked_at = Retention(shred_after_days=30), []
    reason = applying.reason_to_shred

    def noting(order, *given):
        looked_at.append(order.order_id)
        steps.clock.advance(seconds=10)
        return reason(order, *given)

    monkeypatch.setattr(applying, "reason_to_shred", noting)
    monkeypatch.setattr(applying, "SCAN_PAGE", 2)
    answers = [apply(steps, stacks)]
    while answers[-1].more:
        answers.append(apply(steps, stacks))
        assert len(answers) < 10
    assert len(answers) > 1
    assert len(looked_at) == len(set(looked_at)) == 7
    assert apply(steps, stacks) == Applied()
    assert len(looked_at) == 7, "the day is done"
    steps.clock.advance(days=1)
    apply(steps, stacks, time_budget=timedelta(minutes=5))
    assert len(looked_at) == 14


def test_i8_what_a_crash_left_is_removed_by_the_next_round(steps, monkeypatch):
    order_id = steps.stored_order(600)
    steps.clock.advance(days=31)
    stacks = Retention(shred_after_days=30)

    def die(_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(shred, "remove_leftovers", die)
        with pytest.raises(Crash):
            apply(steps, stacks)
    with pytest.raises(DoesNotExist):
        DataKeyRecord.get(order_id)
    assert len(pages(order_id)) > 1
    assert apply(steps, stacks) == Applied()
    assert pages(order_id) == []
    assert steps.events(order_id).count("CARDS_SHREDDED") == 1


def test_an_order_that_its_owner_shredded_meanwhile_is_left_alone(steps, monkeypatch):
    order_id = steps.stored_order(3)
    steps.clock.advance(days=31)
    afresh = applying._shred_afresh

    def overtaken(*given):
        shred.shred_cards(order_id, caller(), clock=steps.clock)
        return afresh(*given)

    monkeypatch.setattr(applying, "_shred_afresh", overtaken)
    assert apply(steps, Retention(shred_after_days=30)).shredded == 0
    assert last_event(order_id, "CARDS_SHREDDED").user_id == "alice"
