"""I6 and paging: an owner's orders, and nobody else's."""

import base64
import json

import pytest

from cardvault.audit.events import EventName
from cardvault.errors import InvalidRequest, OrderNotFound
from cardvault.orders import views
from cardvault.orders.access import get_owned_or_audit
from tests.support.doubles import caller


@pytest.fixture
def five_orders(steps):
    made = []
    for number in range(5):
        steps.clock.advance(seconds=1)
        made.append(steps.create(f"key-{number}").order_id)
    steps.create("bobs", caller("bob"))
    steps.create("elsewhere", caller("alice", "b" * 24))
    return made


def test_orders_come_newest_first_page_by_page(five_orders):
    seen, cursor = [], None
    for expected in (2, 2, 1):
        page, cursor = views.page(caller(), limit=2, cursor=cursor)
        assert len(page) == expected
        seen += [order.order_id for order in page]
    assert seen == list(reversed(five_orders))
    assert cursor is None


def test_a_cursor_taken_from_another_user_shows_ones_own_orders(five_orders):
    _, cursor = views.page(caller(), limit=1, cursor=None)
    page, _ = views.page(caller("bob"), limit=10, cursor=cursor)
    assert all(order.user_id == "bob" for order in page)


@pytest.mark.parametrize(
    "cursor",
    ["x", "!!!", base64.urlsafe_b64encode(json.dumps({"a": 1}).encode()).decode()]
    + [base64.urlsafe_b64encode(json.dumps(bad).encode()).decode() for bad in (1, [1, 2], ["a"])],
)
def test_a_cursor_that_is_none_is_refused(steps, cursor):
    with pytest.raises(InvalidRequest, match="cursor"):
        views.page(caller(), limit=1, cursor=cursor)


def read(steps, order_id, by):
    return get_owned_or_audit(order_id, EventName.READ_REFUSED, by, clock=steps.clock)


def test_a_view_shows_what_happened_and_no_more(steps):
    order_id = steps.stored_order(3)
    shown = views.view(read(steps, order_id, caller()))
    assert shown["status"] == "fulfilled"
    assert shown["fulfilledQuantity"] == 3
    assert "firstRevealedAt" not in shown
    assert not {"cardsFingerprint", "auditHash", "owner", "tenantId"} & set(shown)


@pytest.mark.parametrize("stranger", [caller("bob"), caller("alice", "b" * 24)])
def test_a_stranger_is_told_what_an_unknown_order_is_told(steps, stranger):
    order_id = steps.stored_order(3)
    with pytest.raises(OrderNotFound):
        read(steps, order_id, stranger)
    assert steps.events(order_id)[-1] == "READ_REFUSED"
