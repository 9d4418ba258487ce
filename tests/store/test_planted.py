"""A planted order tells of a thief at once; nothing but a parameter tells a thief of it."""

import pytest

from cardvault.audit import stream
from cardvault.audit.events import EventName
from cardvault.audit.planted import REACHED
from cardvault.errors import CardvaultError
from cardvault.orders.shred import shred_cards
from tests.support.chaining import waiting_records
from tests.support.doubles import caller

OWNER, STRANGER = caller(scopes="cards:shred"), caller("eve", "b" * 24)
RUNG = '"PlantedOrderReached":[1.0]'
# What the workflow, SES and operators do to an order.
BY_ITSELF = {
    EventName.ORDER_CREATED,
    EventName.ORDER_ADOPTED,
    EventName.ORDER_PLACING,
    EventName.ORDER_NOT_PLACED,
    EventName.ORDER_PLACED,
    EventName.ORDER_HANDLING,
    EventName.ORDER_REFUNDED,
    EventName.ORDER_NEEDS_ATTENTION,
    EventName.ORDER_REDRIVEN,
    EventName.ORDER_RESUMED,
    EventName.ORDER_RESTARTED,
    EventName.RECIPIENT_ERASED,
    EventName.SUPPLIER_ORDER_ORPHANED,
    EventName.CARDS_STORING,
    EventName.CARDS_STORED,
    EventName.EMAIL_SENDING,
    EventName.EMAIL_SENT,
    EventName.EMAIL_REFUSED,
    EventName.EMAIL_UNKNOWN,
    EventName.EMAIL_DELIVERED,
    EventName.EMAIL_BOUNCED,
    EventName.EMAIL_COMPLAINED,
    EventName.EMAIL_REJECTED,
    EventName.SECURITY_CODE_REFUSED,
    EventName.AUDIT_EVENT_OVERWRITTEN,
}
REACHES = {
    "reveal": lambda desk, order_id, claim: desk.steps.reveal(order_id),
    "download": lambda desk, order_id, claim: desk.create.for_owner(order_id, "csv", OWNER),
    "shred": lambda desk, order_id, claim: shred_cards(order_id, OWNER, clock=desk.clock),
    "a stranger": lambda desk, order_id, claim: desk.steps.reveal(order_id, by=STRANGER),
    "open": lambda desk, order_id, claim: desk.open(claim),
    "code": lambda desk, order_id, claim: desk.send_code(claim),
    "a guess": lambda desk, order_id, claim: desk.redeem(claim, "000000", None),
    "claimed": lambda desk, order_id, claim: desk.reveal(claim, 0),
}


def chained(order_id, planted):
    stream.chain_records(waiting_records(order_id), planted)


@pytest.mark.parametrize("reach", REACHES)
def test_reaching_for_a_planted_order_rings(desk, output, reach):
    order_id, claim = desk.mailed()
    chained(order_id, {order_id})
    assert RUNG not in output.text(), "making it is quiet"
    try:
        REACHES[reach](desk, order_id, claim)
    except CardvaultError:
        assert reach in {"a stranger", "a guess", "claimed"}
    chained(order_id, {order_id})
    assert RUNG in output.text()


def test_other_orders_are_quiet(desk, output):
    planted, other = desk.steps.stored_order(1), desk.steps.stored_order(1, "key-2")
    desk.steps.reveal(other)
    chained("", {planted})
    assert "PlantedOrderReached" not in output.text()


def test_it_rings_though_the_event_cannot_be_chained(desk, output, aws_raises):
    order_id = desk.steps.stored_order(1)
    desk.steps.reveal(order_id)
    records = waiting_records(order_id)
    aws_raises(ValueError("broken"))
    assert stream.chain_records(records, {order_id}) == [records[0]["dynamodb"]["SequenceNumber"]]
    assert RUNG in output.text()


def test_each_event_is_known_to_ring_or_not():
    assert set(EventName) == REACHED | BY_ITSELF
    assert not REACHED & BY_ITSELF
