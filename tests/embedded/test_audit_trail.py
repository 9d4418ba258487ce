"""I7 on the whole stack: what is recorded is chained by the function that the stream feeds."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from cardvault.audit import chain, trail
from cardvault.audit.events import EventName
from cardvault.audit.trail import AuditRecord, Event
from cardvault.aws import tables
from cardvault.core.clock import utc_now
from cardvault.errors import TooManyWriters
from cardvault.orders import audit, store
from cardvault.orders.records import OrderRecord
from tests.support.aimed import aimed_at
from tests.support.claiming import ordered
from tests.support.orders import change_order

pytestmark = pytest.mark.embedded
WRITERS, ROUNDS = 24, 4
MODELS = (OrderRecord, AuditRecord, chain.ChainHead, chain.Overwritten)


@pytest.fixture
def on_the_stack(vault) -> Iterator[None]:
    """The product's own code in this process, on the stack's tables."""
    with aimed_at(vault.stack) as settings:
        for model in MODELS:
            model._connection = None
        tables.use(settings, *MODELS)
        yield
    for model in MODELS:
        model._connection = None


def chained(order_id):
    """The verdict over the trail, once nothing waits."""
    while (verdict := audit.verify(order_id)).unchained:
        pass
    return verdict.found


def test_i7_many_writers_on_one_order_lose_no_event(vault, alice, on_the_stack):
    order_id = ordered(vault, alice).order_id
    assert chained(order_id) is None
    before = Counter(event.event for event in trail.read(order_id))
    order, gate = store.find(order_id), threading.Barrier(WRITERS)

    def write(number):
        gate.wait()
        written = Counter()
        for _ in range(ROUNDS):
            try:
                if number % 2:
                    change_order(order_id)
                    written[EventName.ORDER_REDRIVEN] += 1
                else:
                    event = Event(EventName.REVEAL_REFUSED, user_id=uuid.uuid4().hex)
                    store.record_event(order, event, clock=utc_now)
                    written[EventName.REVEAL_REFUSED] += 1
            except TooManyWriters:
                written["refused"] += 1
        return written

    with ThreadPoolExecutor(WRITERS) as pool:
        written = sum(pool.map(write, range(WRITERS)), Counter())
    assert chained(order_id) is None
    del written["refused"]
    events = list(trail.read(order_id))
    assert Counter(event.event for event in events) == before + written
    assert written[EventName.REVEAL_REFUSED] == WRITERS // 2 * ROUNDS
    assert len({event.event_id for event in events}) == len(events)


def test_i7_after_a_delivery_the_chain_holds(vault, alice, on_the_stack):
    customer = ordered(vault, alice)
    order_id = customer.order_id
    assert customer.post("code", email=customer.address).status_code == 202
    for _ in range(2):
        assert alice.get(order_id, "/cards").status_code == 200
    assert alice.call("POST", f"/api/orders/{order_id}/downloads", json={}).status_code == 201
    assert chained(order_id) is None
    shown = alice.get(order_id, "/audit", limit=500).json()["events"]
    assert all(event["chained"] for event in shown)
    assert [event["seq"] for event in shown] == list(range(1, len(shown) + 1))
    names = [event["event"] for event in shown]
    assert names[0] == "ORDER_CREATED"
    assert names.count("CARDS_DELIVERED") == 2
    assert names[-1] == "DOWNLOAD_CREATED"
