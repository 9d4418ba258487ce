"""I7: events wait and are chained; none is lost or there twice, whatever dies or comes again."""

import time

import pytest

from cardvault.audit import chain, stream, trail
from cardvault.audit.events import EventName
from cardvault.audit.trail import AuditRecord, Event, Subject
from cardvault.aws import tables
from cardvault.core.clock import utc_now
from cardvault.core.hash_chain import Break
from cardvault.orders import audit, store
from cardvault.orders.records import ORDER_KEY, OrderRecord
from tests.support.chaining import (
    chain_everything,
    first_break,
    items,
    record,
    verified,
    waiting_records,
)
from tests.support.doubles import caller
from tests.support.interrupt import Crash, calls, crash_at, interrupted_at
from tests.support.orders import change_order

CHAINING = ["Query", "GetItem", "Query", "TransactWriteItems"]
CHAINING_ON = ["Query", "GetItem", "TransactWriteItems"]
CLIENT = "dynamodb"


@pytest.fixture
def order_id(steps):
    """An order with five events that wait."""
    return steps.stored_order(3)


def named(order_id):
    return [event.event for event in trail.read_all(order_id)]


def chained(order_id):
    return [event.event for event in trail.read(order_id)]


def test_an_event_waits_under_a_key_that_nobody_uses_again(steps):
    order_id = steps.create().order_id
    (item,) = items(order_id)
    assert item["subjectId"] == {"S": f"EVENT#{order_id}"}
    moment, random = divmod(int(item["seq"]["N"]), 10**20)
    assert len(item["seq"]["N"]) <= 38, "digits that a number of DynamoDB has"
    assert abs(time.time() - moment / 1e6) < 3600
    assert random
    assert not {"hash", "previousHash", "eventId"} & set(item)


def test_waiting_events_are_chained_in_their_order_and_wait_no_more(steps, order_id):
    before = named(order_id)
    chain_everything()
    assert items(order_id) == []
    assert chained(order_id) == before
    head = chain.head_of(order_id)
    assert first_break(trail.read(order_id), head) is None
    assert head.seq == len(before)


def test_an_event_that_is_chained_knows_where_it_waited_and_its_orders_version(order_id):
    waiting = {item["seq"]["N"]: item["version"]["N"] for item in items(order_id)}
    chain_everything()
    assert {event.event_id: str(event.version) for event in trail.read(order_id)} == waiting


@pytest.mark.parametrize("count", [1, 40, 41, 90])
def test_many_events_are_chained_forty_at_a_time(steps, count):
    subject_id = steps.create().order_id
    chain_everything()
    for number in range(count):
        event = Event(EventName.CARDS_DELIVERED, card_count=number)
        trail.put(Subject(subject_id, "a" * 24), event, timestamp="2026-01-02T03:04:05.000Z")
    with calls() as made:
        chain_everything(batch=1000)
    assert made.count("TransactWriteItems") == -(-count // 40)
    delivered = [event.card_count for event in trail.read(subject_id, after=1)]
    assert delivered == list(range(count))
    assert verified(subject_id) is None


# --- comes again, dies, is overtaken ---


def test_a_record_that_comes_again_does_nothing(order_id):
    records = waiting_records(order_id)
    for _ in range(2):
        assert stream.chain_records(records) == []
    assert stream.chain_records(records[2:]) == []
    assert len(chained(order_id)) == len(records)


@pytest.mark.parametrize("wrong", [{"event": {"N": "1"}}, {"reason": {"L": []}}])
def test_i7_a_forged_event_that_cannot_be_read_hides_no_other(cloud, order_id, output, wrong):
    before = len(waiting_records(order_id))
    forged = {**waiting_records(order_id)[0]["dynamodb"]["NewImage"], "seq": {"N": "5"}, **wrong}
    cloud.client(CLIENT).put_item(TableName="AuditTrailTable", Item=forged)
    events, _ = audit.trail_of(order_id, caller(), after=0, limit=100)
    assert len(events) == before
    assert "ForgedRecord" in output.text()
    assert audit.verify(order_id).found is None
    assert stream.chain_leftovers(order_id).chained == before
    assert verified(order_id) is None


@pytest.mark.parametrize("expected", [CHAINING, CHAINING_ON])
def test_chaining_makes_these_calls_so_the_crashes_below_are_all_there_are(order_id, expected):
    if expected == CHAINING_ON:
        chain_everything()
        change_order(order_id)
    records = waiting_records(order_id)
    with calls() as made:
        stream.chain_records(records)
    assert made == expected


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, len(CHAINING) + 1))
@pytest.mark.parametrize("is_first", [True, False])
def test_killed_at_any_call_and_run_again_no_event_is_lost_or_twice(
    order_id, number, after, is_first
):
    if not is_first:
        chain_everything()
        change_order(order_id)
        number = min(number, len(CHAINING_ON))
    before, records = named(order_id), waiting_records(order_id)
    with crash_at(number, after=after), pytest.raises(Crash):
        stream.chain_records(records)
    assert sorted(named(order_id)) == sorted(before)
    assert stream.chain_records(records) == []
    assert chained(order_id) == before
    assert verified(order_id) is None


@pytest.mark.parametrize("number", range(1, len(CHAINING) + 1))
def test_two_that_chain_the_same_events_at_once_chain_each_once(order_id, number):
    before, records = named(order_id), waiting_records(order_id)
    with interrupted_at(number, lambda: stream.chain_records(records[:3])):
        assert stream.chain_records(records) == []
    assert chained(order_id) == before
    assert verified(order_id) is None


def test_one_subject_that_fails_keeps_no_other_waiting(steps, order_id, monkeypatch):
    other = steps.create("another").order_id
    records = waiting_records(order_id) + waiting_records(other)
    chain_of = chain.chain

    def failing(events):
        if trail.subject_of(events[0]) == order_id:
            raise ValueError
        return chain_of(events)

    monkeypatch.setattr(chain, "chain", failing)
    failed = stream.chain_records(records)
    assert failed == [records[0]["dynamodb"]["SequenceNumber"]]
    monkeypatch.undo()
    assert (len(chained(order_id)), len(chained(other))) == (0, 1)
    assert stream.chain_records(records) == []
    assert verified(order_id) is None


def test_an_event_whose_answer_was_lost_is_put_once(order_id, monkeypatch):
    put = tables.put

    def twice(*arguments):
        put(*arguments)
        put(*arguments)  # as botocore does, which knows nothing of the first

    monkeypatch.setattr(tables, "put", twice)
    before = named(order_id)
    store.record_event(store.find(order_id), Event(EventName.REVEAL_REFUSED), clock=utc_now)
    assert named(order_id) == [*before, "REVEAL_REFUSED"]


# --- what no function of ours does ---


def test_an_event_that_is_overwritten_is_chained_as_it_was_first_put(cloud, order_id, output):
    records = waiting_records(order_id)
    first = records[1]["dynamodb"]["NewImage"]
    forged = {**first, "event": {"S": "ORDER_REFUNDED"}}
    cloud.client(CLIENT).put_item(TableName="AuditTrailTable", Item=forged)
    records.append(record(forged, first))
    before = [one["dynamodb"]["NewImage"]["event"]["S"] for one in records[:-1]]
    for _ in range(2):
        assert stream.chain_records(records) == []
    assert "audit event overwritten" in output.text()
    assert chained(order_id) == [*before, "AUDIT_EVENT_OVERWRITTEN"]
    *_, told = trail.read(order_id)
    assert told.reason == f"{first['event']['S']} was put again"
    assert told.event_id == first["seq"]["N"]
    assert verified(order_id) is None


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_overwriting_is_told_once_whatever_dies(order_id, number, after):
    chain_everything()
    change_order(order_id)
    (put,) = waiting_records(order_id)
    stream.chain_records([put])
    image = put["dynamodb"]["NewImage"]
    overwritten = record(image, image)
    with crash_at(number, after=after), pytest.raises(Crash):
        stream.chain_records([overwritten])
    for _ in range(2):
        assert stream.chain_records([overwritten]) == []
    assert chained(order_id).count("AUDIT_EVENT_OVERWRITTEN") == 1
    assert verified(order_id) is None


MALFORMED = {
    "of the chain": {"hash": {"S": "0" * 64}},
    "unknown": {"card": {"S": "CANARY"}},
    "too long": {"reason": {"S": "x" * 1025}},
    "another type": {"event": {"N": "1"}},
    "a list": {"reason": {"L": []}},
    "a fraction": {"cardCount": {"N": "1.5"}},
    "no subject": {"subjectId": {"S": "EVENT#x"}},
    "a waiting subject": {"subjectId": {"S": "EVENT#EVENT#" + "0" * 24}},
}


@pytest.mark.parametrize("wrong", MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_event_is_counted_and_left_and_blocks_nothing(cloud, order_id, output, wrong):
    records = waiting_records(order_id)
    forged = {**records[0]["dynamodb"]["NewImage"], "seq": {"N": "5"}, **wrong}
    cloud.client(CLIENT).put_item(TableName="AuditTrailTable", Item=forged)
    assert stream.chain_records([record(forged), *records]) == []
    said = output.text()
    assert "audit event malformed" in said
    assert "ForgedRecord" in said
    assert "CANARY" not in said
    assert len(chained(order_id)) == len(records)
    assert [item["seq"]["N"] for item in items()] == ["5"]


@pytest.mark.parametrize("missing", ["event", "timestamp", "tenantId"])
def test_an_event_without_what_every_event_has_is_malformed(order_id, missing):
    image = waiting_records(order_id)[0]["dynamodb"]["NewImage"]
    del image[missing]
    with pytest.raises(chain.MalformedEvent):
        chain.parse(image)


def test_a_writer_can_not_put_an_event_in_the_place_of_another(order_id):
    (first, *_) = trail.read_waiting(order_id)
    with pytest.raises(tables.LostRace):
        tables.put(first, AuditRecord.subject_id.does_not_exist())


# --- leftovers, and what shows ---


def test_what_the_stream_holds_no_more_is_chained_by_hand(order_id):
    left = stream.chain_leftovers(order_id)
    assert (left.chained, left.malformed, left.more) == (5, 0, False)
    assert stream.chain_leftovers(order_id).chained == 0
    assert verified(order_id) is None


def test_chaining_by_hand_ends_in_time_and_goes_on(order_id, clock):
    def slow():
        clock.advance(seconds=13)
        return clock.now

    assert stream.chain_leftovers(order_id, clock=slow) == stream.Leftovers(0, 0, more=True)
    assert stream.chain_leftovers(order_id, clock=clock) == stream.Leftovers(5, 0, more=False)


def test_verify_says_how_many_wait_and_for_how_long(steps, order_id):
    verdict = audit.verify(order_id)
    assert (verdict.found, verdict.unchained) == (None, 5)
    (first, *_) = items(order_id)
    put_at = int(first["seq"]["N"]) // 10**20 // 10**6
    assert 0 <= verdict.oldest_age_s <= time.time() - put_at + 1
    chain_everything()
    assert audit.verify(order_id) == audit.Verdict(None, 0, 0)


def test_a_change_whose_event_is_gone_shows_whether_it_was_chained_or_not(cloud, order_id):
    (_, second, *_) = items(order_id)
    key = {name: second[name] for name in ("subjectId", "seq")}
    cloud.client(CLIENT).delete_item(TableName="AuditTrailTable", Key=key)
    lost = "missing: what made the order's version 2"
    assert audit.verify(order_id).found == Break(1, lost)
    assert verified(order_id) == Break(5, lost)


def test_the_owner_sees_events_that_wait_as_such(order_id):
    chain_everything()
    change_order(order_id)
    shown, more = audit.trail_of(order_id, caller(), after=0, limit=10)
    assert [event["chained"] for event in shown] == [True] * 5 + [False]
    assert [event.get("seq") for event in shown] == [1, 2, 3, 4, 5, None]
    (item,) = items(order_id)
    assert shown[-1]["eventId"] == item["seq"]["N"]
    assert shown[-1]["orderId"] == order_id
    assert more is None


def test_pages_go_on_through_events_that_wait(order_id):
    records = waiting_records(order_id)
    stream.chain_records(records[:2])
    seen, after = [], 0
    while after is not None:
        shown, after = audit.trail_of(order_id, caller(), after=after, limit=2)
        seen += [event["event"] for event in shown]
    assert seen == named(order_id)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_event_that_is_chained_meanwhile_is_shown_once(order_id, number):
    before = named(order_id)
    with interrupted_at(number, lambda: chain_everything(order_id)):
        shown, _ = audit.trail_of(order_id, caller(), after=0, limit=10)
    assert [event["event"] for event in shown] == before


def test_the_head_is_left_in_the_log_which_no_role_can_change(order_id, output):
    chain_everything()
    head = chain.head_of(order_id)
    said = output.text()
    for told in (order_id, head.hash, f'"lastSeq":{head.seq}'):
        assert told in said


# --- former releases ---


def test_a_function_of_the_former_release_loses_against_the_first_new_change(steps, order_id):
    order = OrderRecord(order_id, ORDER_KEY)
    order.update([OrderRecord.version.remove(), OrderRecord.audit_seq.set(5)])
    change_order(order_id)
    changed = store.find(order_id)
    assert (int(changed.version), changed.audit_seq) == (1, None)
    with pytest.raises(tables.LostRace):
        tables.update(order, [OrderRecord.status.set("x")], OrderRecord.audit_seq == 5)


def test_a_new_change_loses_against_a_function_of_the_former_release(steps, order_id):
    order = OrderRecord(order_id, ORDER_KEY)
    order.update([OrderRecord.version.remove(), OrderRecord.audit_seq.set(5)])
    edit = store.Edit(store.find(order_id), utc_now())
    order.update([OrderRecord.audit_seq.set(6)])
    with pytest.raises(tables.LostRace):
        edit.commit(Event(EventName.ORDER_REDRIVEN))
