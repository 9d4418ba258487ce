"""Events of mail, in any order, twice, and of mails that were followed by another."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardvault.aws import tables
from cardvault.mail.ses_events import HandleEmailEvent
from cardvault.mail.suppression import Suppression, is_suppressed
from cardvault.orders.records import ORDER_KEY, OrderRecord
from tests.store.conftest import on_moto
from tests.store.test_mail import ses_event

KINDS = ("delivery", "bounce", "transient", "complaint", "reject")
STATUS = {
    "delivery": "delivered",
    "transient": "bounced",
    "bounce": "bounced",
    "reject": "rejected",
    "complaint": "complained",
}
FROM_THE_BEST = ["delivered", "bounced", "rejected", "complained"]
SUPPRESSING = {"bounce", "complaint"}
MAIN_KINDS = ("delivery", "bounce", "complaint", "reject")
TENANT, ADDRESS = "a" * 24, "ada@example.com"


def event(kind, order_id, **of):
    detail = ses_event("bounce" if kind == "transient" else kind, order_id, **of)
    if kind == "transient":
        detail["bounce"] |= {"bounceType": "Transient", "bounceSubType": "MailboxFull"}
    return detail


@pytest.fixture(scope="module")
def world():
    with on_moto() as steps:
        tables.use(steps.cloud.settings, Suppression)
        numbers = itertools.count()

        def mailed_order(mail_id="1" * 16):
            number = next(numbers)
            order = steps.create(f"key-{number}", delivery={"email": f"{number}-{ADDRESS}"})
            item = OrderRecord(order.order_id, ORDER_KEY)
            item.update([OrderRecord.mail_id.set(mail_id), OrderRecord.email_status.set("sent")])
            return order.order_id, f"{number}-{ADDRESS}"

        yield steps, HandleEmailEvent(steps.clock), mailed_order


@settings(max_examples=40)
@given(kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=6), data=st.data())
def test_the_worst_counts_in_whatever_order_and_however_often_it_comes(world, kinds, data):
    steps, handle, mailed_order = world
    order_id, address = mailed_order()
    shuffled = data.draw(st.permutations(kinds))
    for kind in shuffled:
        handle(event(kind, order_id, to=address))
    order = OrderRecord.get(order_id, ORDER_KEY)
    assert order.email_status == max((STATUS[kind] for kind in kinds), key=FROM_THE_BEST.index)
    assert is_suppressed(TENANT, address) == bool(SUPPRESSING & set(kinds))
    told = [name for name in steps.events(order_id) if name.startswith("EMAIL_")]
    assert len(told) <= len(set(kinds)), "what comes again is not recorded again"


texts = st.text() | st.sampled_from(["", "0a" * 12, "2026-01-02T03:04:05.000Z", ADDRESS])
strange_mails = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.dictionaries(st.sampled_from(["orderId", "mail", "x"]), st.lists(texts)),
        "destination": st.lists(texts),
        "timestamp": texts,
    },
)
strange_kinds = texts | st.sampled_from(["Delivery", "Bounce", "Complaint", "Reject", "Open"])
told_of = st.fixed_dictionaries(
    {}, optional={"bounceType": texts, "bounceSubType": texts, "complaintFeedbackType": texts}
)


@settings(max_examples=200)
@given(kind=strange_kinds, mail=strange_mails, told=told_of)
def test_an_event_that_names_no_order_of_ours_is_ignored_whatever_it_says(world, kind, mail, told):
    _, handle, _ = world
    assert handle({"eventType": kind, "mail": mail, "bounce": told, "complaint": told}) is None


@pytest.mark.parametrize("kinds", list(itertools.permutations(MAIN_KINDS)), ids="-".join)
def test_every_permutation_ends_the_same(world, kinds):
    _, handle, mailed_order = world
    order_id, address = mailed_order()
    for kind in kinds + kinds[:2]:
        handle(event(kind, order_id, to=address))
    assert OrderRecord.get(order_id, ORDER_KEY).email_status == "complained"
    assert is_suppressed(TENANT, address)


@settings(max_examples=30)
@given(
    told=st.lists(st.tuples(st.sampled_from(["old", "new"]), st.sampled_from(KINDS)), max_size=8)
)
def test_an_earlier_mail_s_events_leave_the_status_of_the_later_one_alone(world, told):
    _, handle, mailed_order = world
    order_id, address = mailed_order("2" * 16)
    for which, kind in told:
        mail_id = {"old": "1" * 16, "new": "2" * 16}[which]
        handle(event(kind, order_id, to=address, mail_id=mail_id))
    of_the_new = [STATUS[kind] for which, kind in told if which == "new"]
    expected = max(of_the_new, key=FROM_THE_BEST.index, default="sent")
    assert OrderRecord.get(order_id, ORDER_KEY).email_status == expected
