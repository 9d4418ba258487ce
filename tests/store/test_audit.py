"""I7: editing, deleting, reordering and truncating the trail is detected and located."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardvault.audit import trail
from cardvault.audit.trail import AuditRecord
from cardvault.core.hash_chain import Break
from cardvault.errors import OrderNotFound
from cardvault.orders import audit
from tests.support.chaining import chain_everything, verified
from tests.support.doubles import caller
from tests.support.orders import change_order


@pytest.fixture
def order_id(steps):
    order_id = steps.stored_order(3)
    steps.reveal(order_id)
    steps.reveal(order_id)
    chain_everything()
    return order_id


def records(order_id):
    return {int(record.seq): record for record in trail.read(order_id)}


def test_an_untouched_trail_holds(order_id):
    assert verified(order_id) is None
    assert len(records(order_id)) == 7


def test_an_edited_event_is_found(order_id):
    record = records(order_id)[4]
    record.card_count = 2
    record.save()
    assert verified(order_id) == Break(4, "altered")


def test_an_edited_event_with_its_hash_made_to_fit_is_found(order_id):
    record = records(order_id)[4]
    record.card_count = 2
    record.hash = record.computed_hash()
    record.save()
    assert verified(order_id).seq == 5


def test_the_last_event_rewritten_with_its_hash_is_found(order_id):
    record = records(order_id)[7]
    record.user_id = "mallory"
    record.hash = record.computed_hash()
    record.save()
    assert verified(order_id) == Break(7, "not the one that the head names")


@pytest.mark.parametrize("seq", [1, 3, 7])
def test_a_deleted_event_is_found(order_id, seq):
    records(order_id)[seq].delete()
    assert verified(order_id) == Break(seq, "missing")


def test_a_truncated_trail_is_found(order_id):
    for seq in (6, 7):
        records(order_id)[seq].delete()
    assert verified(order_id) == Break(6, "missing")


def test_two_events_swapped_are_found(order_id):
    third, fourth = records(order_id)[3], records(order_id)[4]
    third.seq, fourth.seq = 4, 3
    third.save()
    fourth.save()
    assert verified(order_id).seq == 3


def test_an_event_slipped_in_behind_the_last_is_found(order_id):
    last = records(order_id)[7]
    forged = AuditRecord(
        order_id,
        8,
        event="CARDS_DELIVERED",
        timestamp=last.timestamp,
        tenant_id=last.tenant_id,
        previous_hash=last.hash,
    )
    forged.hash = forged.computed_hash()
    forged.save()
    assert verified(order_id) == Break(8, "added after the head")


@pytest.fixture
def command(steps, monkeypatch, capsys):
    """Run the command; its exit status and what it prints."""
    monkeypatch.setattr("cardvault.orders.audit.Settings", lambda: steps.cloud.settings)

    def run(*orders):
        monkeypatch.setattr("sys.argv", ["audit", *orders])
        return audit.main(), capsys.readouterr().out

    return run


def test_the_command_names_the_first_broken_event(order_id, command):
    assert command(order_id) == (0, "the trail holds\n")
    records(order_id)[3].delete()
    assert command(order_id) == (1, f"order {order_id}, event 3: missing\n")


def test_the_command_without_an_order_verifies_every_order(order_id, steps, command):
    other = steps.create("another").order_id
    chain_everything()
    assert command() == (0, "the trail holds\n")
    records(other)[1].delete()
    assert command() == (1, f"order {other}, event 1: missing\n")
    assert command(order_id) == (0, "the trail holds\n")


def test_the_owner_reads_the_trail_in_pages(order_id):
    first, more = audit.trail_of(order_id, caller(), after=0, limit=4)
    rest, end = audit.trail_of(order_id, caller(), after=more, limit=4)
    assert [event["seq"] for event in first + rest] == [1, 2, 3, 4, 5, 6, 7]
    assert end is None
    assert first[0]["orderId"] == order_id


@pytest.mark.parametrize("stranger", [caller("bob"), caller("alice", "b" * 24)])
def test_i7_nobody_reads_anothers_trail_and_each_try_is_in_it(order_id, stranger):
    for _ in range(12):
        with pytest.raises(OrderNotFound):
            audit.trail_of(order_id, stranger, after=0, limit=10)
    told = [event for event in trail.read_all(order_id) if event.event == "READ_REFUSED"]
    assert len(told) == 10, "from the eleventh on each power of two"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(1, 4))
def test_any_number_of_changes_leaves_the_trail_whole(steps, count):
    order = steps.create(f"key-{count}")
    for _ in range(count):
        change_order(order.order_id)
    assert verified(order.order_id) is None
