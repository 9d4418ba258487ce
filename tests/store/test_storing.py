"""I2, I4, I8 while cards are being stored: whatever dies, comes late or goes on beside it."""

import threading
from itertools import count, product

import botocore.client
import pytest

from cardvault.aws import boto_clients, retries
from cardvault.errors import (
    CannotOpen,
    CardsShredded,
    CardvaultError,
    OrderNotFulfilled,
    StoringOvertaken,
)
from cardvault.fulfilment.outcome import record_failure, record_refund
from cardvault.orders import store
from cardvault.orders.opening import read_all
from cardvault.orders.shred import shred_cards
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.pages import CARDS_PER_PAGE
from cardvault.sealing.store import DataKeyRecord, SealedPage, delete_pages, page_key
from tests.support.capacity import throttled
from tests.support.chaining import verified
from tests.support.doubles import caller, canary_cards
from tests.support.interrupt import Crash, calls, crash_at, interrupted_at

CARDS = canary_cards(CARDS_PER_PAGE + 1)
PAGES = [page_key(0), page_key(1)]
STORING = [
    "GetItem",  # the order
    "GetSecretValue",  # the fingerprint's key
    "GetItem",  # the order, afresh
    "TransactWriteItems",  # the attempt begins
    "GenerateDataKey",
    "PutItem",
    "PutItem",
    "GetItem",  # the order, afresh
    "TransactWriteItems",  # wrapped key, status, event: the commit
]
names = count()


def placed_order(steps, cards=CARDS):
    key = f"key-{next(names)}"
    order = steps.create(key, quantity=len(cards))
    steps.supplier.placing.append(f"S-{key}")
    steps.supplier.has(f"S-{key}", quantity=len(cards), cards=cards)
    steps.place(order.order_id)
    return order.order_id


def pages_of(order_id):
    return list(SealedPage.query(order_id, SealedPage.sort_key.startswith("CARDS#")))


def shown(steps, order_id):
    cards, page = [], 0
    while page is not None:
        revealed = steps.reveal(order_id, page)
        cards += [card for _, card in revealed.cards]
        page = revealed.next_page
    return tuple(cards)


def assert_stored_once(steps, order_id, cards=CARDS):
    order = store.find(order_id)
    assert shown(steps, order_id) == cards
    assert steps.events(order_id).count("CARDS_STORED") == 1
    assert [page.sort_key for page in pages_of(order_id)] == PAGES
    assert {page.attempt for page in pages_of(order_id)} == {order.storing_attempt}
    assert order.storing_at is None
    assert verified(order_id) is None


def everything_but_keys(steps):
    """Each table as a backup of this moment has it; wrapped keys are in none."""
    client = steps.cloud.client("dynamodb")
    without = {"DataKeysTable", "CodeMarksTable"}
    backed_up = [name for name in client.list_tables()["TableNames"] if name not in without]
    return {name: client.scan(TableName=name)["Items"] for name in backed_up}


def restore(steps, backup):
    client = steps.cloud.client("dynamodb")
    for table, items in backup.items():
        schema = client.describe_table(TableName=table)["Table"]["KeySchema"]
        for item in client.scan(TableName=table)["Items"]:
            key = {part["AttributeName"]: item[part["AttributeName"]] for part in schema}
            client.delete_item(TableName=table, Key=key)
        for item in items:
            client.put_item(TableName=table, Item=item)


def assert_shut_for_ever(steps, order_id, backups):
    """I8: after shredding, no backup of any moment brings a card back."""
    assert pages_of(order_id) == []
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)
    for backup in backups:
        restore(steps, backup)
        for page in (0, 1):
            with pytest.raises(CardvaultError) as refused:
                steps.reveal(order_id, page)
            assert isinstance(refused.value, CannotOpen | OrderNotFulfilled | CardsShredded)


# --- a process that dies ---


def test_storing_makes_these_calls_so_the_crashes_below_are_all_there_are(steps):
    order_id = placed_order(steps)
    with calls() as made:
        steps.store(order_id)
    assert made == STORING


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, len(STORING) + 1))
def test_i4_i8_killed_at_any_call_and_run_again_cards_are_stored_once(steps, number, after):
    order_id = placed_order(steps)
    with crash_at(number, after=after), pytest.raises(Crash):
        steps.store(order_id)
    committed = number == len(STORING) and after
    if not committed:
        with pytest.raises(OrderNotFulfilled):
            steps.reveal(order_id)
        assert list(DataKeyRecord.scan()) == []
    backups = [everything_but_keys(steps)]
    dead_pages = [] if committed else pages_of(order_id)
    steps.store(order_id)
    assert_stored_once(steps, order_id)
    backups.append(everything_but_keys(steps))
    assert len(list(DataKeyRecord.scan())) == 1
    for dead in dead_pages:  # I2: what the dead attempt sealed opens under no other's key
        (alive,) = SealedPage.query(order_id, SealedPage.sort_key == dead.sort_key)
        dead.save()
        with pytest.raises(CannotOpen):
            steps.reveal(order_id, PAGES.index(dead.sort_key))
        alive.save()
    shred_cards(order_id, caller(), clock=steps.clock)
    assert_shut_for_ever(steps, order_id, backups)


@pytest.mark.parametrize("number", range(3, len(STORING) + 1))
def test_i4_killed_again_and_again_cards_are_stored_once(steps, number):
    order_id = placed_order(steps)
    for again in range(3, len(STORING) + 1):
        with crash_at(number), pytest.raises(Crash):
            steps.store(order_id)
        with crash_at(again), pytest.raises(Crash):
            steps.store(order_id)
        assert len(pages_of(order_id)) <= len(PAGES), "attempts do not pile up"
    steps.store(order_id)
    assert_stored_once(steps, order_id)


# --- two attempts at once ---

BEGUN = STORING.index("TransactWriteItems") + 1


@pytest.mark.parametrize(
    ("late", "dies"), list(product(range(BEGUN + 1, len(STORING) + 1), range(1, len(STORING) + 2)))
)
def test_i4_a_late_attempt_spoils_nothing_of_one_that_ends_or_dies(steps, late, dies):
    order_id = placed_order(steps)

    def another():
        if dies > len(STORING):
            steps.store(order_id)
        else:
            with crash_at(dies), pytest.raises(Crash):
                steps.store(order_id)

    overtaken = dies > BEGUN
    with interrupted_at(late, another):
        if overtaken:
            with pytest.raises(StoringOvertaken):
                steps.store(order_id)
        else:
            steps.store(order_id)
    steps.store(order_id)
    assert_stored_once(steps, order_id)


@pytest.mark.parametrize("late", range(BEGUN + 1, len(STORING) + 1))
def test_i8_a_late_attempt_brings_nothing_back_after_shredding(steps, late):
    order_id = placed_order(steps)
    backups = []

    def stored_and_shredded():
        steps.store(order_id)
        backups.append(everything_but_keys(steps))
        shred_cards(order_id, caller(), clock=steps.clock)

    with interrupted_at(late, stored_and_shredded), pytest.raises(StoringOvertaken):
        steps.store(order_id)
    assert list(DataKeyRecord.scan()) == []
    backups.append(everything_but_keys(steps))
    assert_shut_for_ever(steps, order_id, backups)


@pytest.mark.parametrize("late", range(BEGUN + 1, len(STORING) + 1))
def test_i8_what_a_late_attempt_leaves_when_it_dies_after_shredding_is_removed_by_a_repeat(
    steps, late
):
    order_id = placed_order(steps)

    def stored_and_shredded():
        steps.store(order_id)
        shred_cards(order_id, caller(), clock=steps.clock)
        raise Crash  # … of the late one, once it has written a page

    with interrupted_at(late, stored_and_shredded), pytest.raises(Crash):
        steps.store(order_id)
    SealedPage(order_id, page_key(0), sealed_cards=b"late", attempt=1).save()
    steps.store(order_id)
    assert pages_of(order_id) == []


def test_i4_two_at_once_one_ends_and_readers_see_all_cards_or_none(steps, monkeypatch):
    one_call_at_a_time(monkeypatch)
    for _ in range(8):
        order_id = placed_order(steps)
        start, ends, seen = threading.Barrier(3), [], []

        def attempt(order_id=order_id, start=start, ends=ends):
            start.wait()
            try:
                ends.append(steps.store(order_id).status)
            except StoringOvertaken:
                ends.append("overtaken")

        def look(order_id=order_id, start=start, ends=ends, seen=seen):
            start.wait()
            while len(ends) < 2:
                try:
                    seen.append(shown(steps, order_id))
                except OrderNotFulfilled:
                    seen.append(())

        run_together(attempt, attempt, look)
        assert "fulfilled" in ends
        assert set(ends) <= {"fulfilled", "overtaken"}
        assert set(seen) <= {(), CARDS}
        assert_stored_once(steps, order_id)


def one_call_at_a_time(monkeypatch):
    """DynamoDB does one write of an item at a time; moto does so only if it is made to."""
    real, turn = botocore.client.BaseClient._make_api_call, threading.RLock()

    def in_turn(*call):
        with turn:
            return real(*call)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", in_turn)
    monkeypatch.setattr(retries, "sleep", lambda _: None)


def run_together(*jobs):
    failures = []

    def guarded(job):
        try:
            job()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_i4_a_page_whose_answer_was_lost_is_written_again(steps, monkeypatch):
    order_id = placed_order(steps)
    real, lost = botocore.client.BaseClient._make_api_call, []

    def losing(client, operation, arguments):
        answer = real(client, operation, arguments)
        if operation == "PutItem" and not lost:
            lost.append(operation)
            raise throttled(operation, 1)
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", losing)
    steps.store(order_id)
    assert_stored_once(steps, order_id)


def test_cards_shredded_after_the_order_was_read_are_told_to_be_so(steps):
    order_id = placed_order(steps)
    steps.store(order_id)
    known = store.find(order_id)
    shred_cards(order_id, caller(), clock=steps.clock)
    keyring = Keyring(boto_clients.kms(), steps.cloud.settings.card_key_arn)
    with pytest.raises(CardsShredded):
        read_all(known).open(keyring)


# --- what dead attempts leave ---


@pytest.mark.parametrize("number", range(1, len(STORING) + 1))
@pytest.mark.parametrize("give_up", ["failure", "refund"])
def test_i13_an_order_that_is_given_up_keeps_no_page(steps, number, give_up):
    order_id = placed_order(steps)
    with crash_at(number), pytest.raises(Crash):
        steps.store(order_id)
    if give_up == "failure":
        record_failure(order_id, "States.Timeout", clock=steps.clock)
    else:
        record_refund(order_id, clock=steps.clock)
    assert pages_of(order_id) == []
    assert store.find(order_id).storing_at is None


def test_i13_one_that_died_while_giving_up_is_finished_by_the_repeat(steps):
    made = 5  # read, commit, query, two deletions
    for number in range(1, made + 1):
        order_id = placed_order(steps)
        with crash_at(len(STORING)), pytest.raises(Crash):
            steps.store(order_id)
        with crash_at(number), pytest.raises(Crash):
            record_failure(order_id, "States.Timeout", clock=steps.clock)
        record_failure(order_id, "States.Timeout", clock=steps.clock)
        assert pages_of(order_id) == []
        assert steps.events(order_id).count("ORDER_NEEDS_ATTENTION") == 1


def test_i13_an_attempt_that_died_after_the_order_was_given_up_is_cleared_the_next_time(steps):
    order_id = placed_order(steps)
    record_failure(order_id, "States.Timeout", clock=steps.clock)
    with crash_at(len(STORING)), pytest.raises(Crash):
        steps.store(order_id)
    record_failure(order_id, "States.Timeout", clock=steps.clock)
    assert pages_of(order_id) == []


@pytest.mark.parametrize("late", range(BEGUN + 1, len(STORING) + 1))
def test_i4_an_attempt_that_comes_back_after_the_order_was_given_up_does_not_end(steps, late):
    order_id = placed_order(steps)

    def give_up():
        record_failure(order_id, "States.Timeout", clock=steps.clock)

    with interrupted_at(late, give_up), pytest.raises(StoringOvertaken):
        steps.store(order_id)
    assert pages_of(order_id) == []
    steps.store(order_id)
    assert_stored_once(steps, order_id)


@pytest.mark.parametrize("late", range(1, 6))
def test_i4_a_function_that_clears_an_order_slowly_takes_no_page_of_a_new_attempt(steps, late):
    order_id = placed_order(steps)
    with crash_at(len(STORING)), pytest.raises(Crash):
        steps.store(order_id)
    with interrupted_at(late, lambda: steps.store(order_id)):
        record_failure(order_id, "States.Timeout", clock=steps.clock)
    assert_stored_once(steps, order_id)


def test_pages_of_an_earlier_answer_with_more_cards_do_not_stay(steps):
    order_id = placed_order(steps, canary_cards(3 * CARDS_PER_PAGE))
    with crash_at(len(STORING) + 1), pytest.raises(Crash):
        steps.store(order_id)
    assert len(pages_of(order_id)) == 3
    (supplied,) = [name for name in steps.supplier.orders if name == f"S-key-{next(names) - 1}"]
    steps.supplier.has(supplied, "PARTIALLY_FILLED", quantity=3 * CARDS_PER_PAGE, cards=CARDS)
    steps.store(order_id)
    assert_stored_once(steps, order_id)


def test_a_page_behind_the_last_is_not_read(steps):
    order_id = steps.stored_order()
    left = next(SealedPage.query(order_id, SealedPage.sort_key == page_key(0)))
    left.sort_key = page_key(1)
    left.save()
    assert len(read_all(store.find(order_id)).pages) == 1


def test_the_first_attempt_looks_for_no_leftovers(steps):
    order_id = placed_order(steps)
    with calls() as made:
        steps.store(order_id)
    assert "Query" not in made


# --- what earlier releases stored ---


def as_stored_earlier(order_id):
    """The order as one transaction left it: pages without an attempt, an order without a layout."""
    for page in pages_of(order_id):
        page.update([SealedPage.attempt.remove()])
    order = store.find(order_id)
    columns = (order.__class__.storing_attempt, order.__class__.cards_per_page)
    order.update([column.remove() for column in columns])


def test_orders_stored_by_earlier_releases_open_and_are_shredded(steps):
    order_id = placed_order(steps)
    steps.store(order_id)
    as_stored_earlier(order_id)
    assert shown(steps, order_id) == CARDS
    steps.store(order_id)
    assert shown(steps, order_id) == CARDS
    delete_pages(order_id, older_than=99)
    assert shown(steps, order_id) == CARDS
    shred_cards(order_id, caller(), clock=steps.clock)
    assert pages_of(order_id) == []
