"""What operators invoke answers within the minute that the CLI waits, and goes on by a cursor."""

from contextlib import contextmanager
from datetime import timedelta

import botocore.client
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardvault import errors
from cardvault.aws import boto_clients, tables
from cardvault.aws.boto_clients import LONGEST_CALL_S
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.core.clock import to_text
from cardvault.core.ids import new_id
from cardvault.giftcards.ledger.records import entry_key
from cardvault.giftcards.operations.expire import ExpireCards, Posted
from cardvault.giftcards.queries import verify
from cardvault.giftcards.queries.verify import VerifyCards
from cardvault.http.cursor import encode
from cardvault.identity import clients
from cardvault.identity.clients import ApiClient
from cardvault.sealing.data_keys import KeyBinding, Keyring
from cardvault.sealing.rewrap import Progress, RewrapDataKeys
from cardvault.sealing.store import DataKeyRecord
from tests.store.conftest import on_moto
from tests.support.doubles import START, FixedClock
from tests.support.giftcards import GiftShop

LATER = START + timedelta(days=400)
TENANT = "a" * 24
ELSEWHERE = [encode(), encode("0" * 24, 1), encode(*["0" * 24] * 3), encode(["0" * 24])]
WRONG_CURSORS = [
    *ELSEWHERE,
    "x",
    "a.b",
    "0" * 23,
    "G" * 24,
    "0" * 24 + ".",
    ".".join(["0" * 24] * 3),
]


class Ticking(FixedClock):
    """A clock that goes on by a second at each look."""

    def __call__(self):
        self.advance(seconds=1)
        return self.now


@contextmanager
def slow_calls(clock, monkeypatch, *, after=0):
    """Every AWS call but the first `after` takes as long as a call can, by this clock."""
    made, make_call = [], botocore.client.BaseClient._make_api_call

    def slow(client, operation, request):
        made.append(operation)
        if len(made) > after:
            clock.advance(seconds=LONGEST_CALL_S)
        return make_call(client, operation, request)

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", slow)
        yield made


def rounds_of(work):
    """Every round's answer, from the beginning to the end."""
    answers = [work(None)]
    while answers[-1].cursor is not None:
        answers.append(work(answers[-1].cursor))
        assert len(answers) < 200, "it does not come to an end"
    return answers


def make_key(keyring, wrapped_at):
    order_id = new_id(START)
    made = keyring.generate(KeyBinding(TENANT, order_id, None))
    DataKeyRecord(
        order_id,
        tenant_id=TENANT,
        wrapped_key=made.wrapped,
        commitment=b"c" * 32,
        kms_key_arn=made.kms_key_arn,
        wrapped_at=to_text(wrapped_at),
        fingerprint=b"f" * 32,
    ).save()
    return order_id


def make_keys(steps, count):
    """The keyring, and `count` orders whose keys were wrapped at START."""
    keyring = Keyring(boto_clients.kms(), steps.cloud.settings.card_key_arn)
    return keyring, [make_key(keyring, START) for _ in range(count)]


@contextmanager
def visits(keyring, monkeypatch):
    """The orders whose key goes to KMS, in that order."""
    seen, re_encrypt = [], keyring.kms.re_encrypt

    def noting(**request):
        seen.append(request["SourceEncryptionContext"]["orderId"])
        return re_encrypt(**request)

    with monkeypatch.context() as patch:
        patch.setattr(keyring.kms, "re_encrypt", noting)
        yield seen


# --- re-wrapping ---


@settings(max_examples=15)
@given(keys=st.integers(0, 12), seconds=st.integers(4, 40), new=st.integers(0, 5))
def test_rewrapping_visits_every_key_once_however_short_its_rounds(keys, seconds, new):
    with on_moto() as steps, pytest.MonkeyPatch.context() as monkeypatch:
        keyring, ids = make_keys(steps, keys)
        unmade = list(range(new))

        def one_round(cursor):
            budget = timedelta(seconds=seconds)
            progress = RewrapDataKeys(keyring, budget, Ticking(LATER))(LATER, cursor)
            if unmade:
                make_key(keyring, LATER + timedelta(hours=unmade.pop()))
            return progress

        with visits(keyring, monkeypatch) as visited:
            answers = rounds_of(one_round)
        assert sum(answer.rewrapped for answer in answers) == keys
        assert set(visited) == set(ids)
        # A round that ends between KMS and the write leaves that key to the next one.
        assert len(visited) - keys < len(answers)
        assert all(DataKeyRecord.get(key).wrapped_at > to_text(START) for key in ids)


def test_a_round_stops_at_its_end_and_counts_nothing_behind_it(steps, monkeypatch):
    keyring, _ = make_keys(steps, 30)
    monkeypatch.setattr("cardvault.sealing.rewrap.SCAN_PAGE", 2)
    with slow_calls(steps.clock, monkeypatch) as made:
        progress = RewrapDataKeys(keyring, timedelta(seconds=100), steps.clock)(LATER)
    assert progress.cursor is not None
    assert made == ["Scan", "ReEncrypt", "UpdateItem", "ReEncrypt", "UpdateItem"]


@pytest.mark.parametrize("at", [1, 6, 12])
def test_two_runs_side_by_side_rewrap_each_key_once_and_lose_none(steps, monkeypatch, at):
    keyring, ids = make_keys(steps, 12)
    before = {key: bytes(DataKeyRecord.get(key).wrapped_key) for key in ids}
    rewrap = RewrapDataKeys(keyring, clock=lambda: LATER)
    calls, re_encrypt, other = [], keyring.kms.re_encrypt, []

    def overtaken(**request):
        answer = re_encrypt(**request)
        calls.append(request)
        if len(calls) == at:
            other.append(rewrap(LATER))
        return answer

    monkeypatch.setattr(keyring.kms, "re_encrypt", overtaken)
    answers = [rewrap(LATER), *other]
    assert [answer.cursor for answer in answers] == [None, None]
    assert [answer.rewrapped for answer in answers] == [at - 1, len(ids) - at + 1]
    for key in ids:
        record = DataKeyRecord.get(key)
        assert bytes(record.wrapped_key) != before[key]
        assert keyring.unwrap(record.wrapped_key, record.binding)


def test_a_request_that_comes_twice_is_answered_twice(steps):
    keyring, _ = make_keys(steps, 3)
    rewrap = RewrapDataKeys(keyring, clock=lambda: LATER)
    assert rewrap(LATER) == Progress(3, None)
    assert rewrap(LATER) == Progress(0, None)


def test_a_round_in_which_nothing_was_finished_says_so(steps, monkeypatch):
    keyring, ids = make_keys(steps, 2)
    for cursor in (None, encode(sorted(ids)[0])):
        with slow_calls(steps.clock, monkeypatch), pytest.raises(errors.OutOfTime):
            RewrapDataKeys(keyring, timedelta(seconds=1), steps.clock)(LATER, cursor)


# --- the ledger ---


def test_i10_verifying_in_short_rounds_tells_of_every_broken_card_once(cloud, clock):
    shop = GiftShop.open(cloud.settings, clock)
    cards = [each.active("1.00")["id"] for each in (shop, shop.another()) for _ in range(8)]
    broken = cards[1::3]
    for card_id in broken:
        cloud.client("dynamodb").update_item(
            TableName="GiftCardsTable",
            Key={"cardId": {"S": card_id}, "sk": {"S": entry_key(2)}},
            UpdateExpression="SET amount = :more",
            ExpressionAttributeValues={":more": {"N": "900"}},
        )
    for seconds in (10, 13, 37, 1_000):
        verify_cards = VerifyCards(timedelta(seconds=seconds), Ticking(LATER))
        answers = rounds_of(verify_cards)
        assert sum(answer.cards for answer in answers) == len(cards)
        told = {(found.card_id, found.why) for answer in answers for found in answer.differences}
        assert told == {(card, why) for card in broken for why in ("altered", "does not add up")}
        assert sum(len(answer.differences) for answer in answers) == len(told)


def test_a_ledger_in_ruins_is_told_of_in_several_answers(cloud, clock, monkeypatch):
    shop = GiftShop.open(cloud.settings, clock)
    cards = [shop.active("1.00")["id"] for _ in range(5)]
    for card_id in cards:
        cloud.client("dynamodb").delete_item(
            TableName="GiftCardsTable",
            Key={"cardId": {"S": card_id}, "sk": {"S": entry_key(1)}},
        )
    whole = VerifyCards()()
    monkeypatch.setattr(verify, "MOST_DIFFERENCES", len(whole.differences) // len(cards))
    answers = rounds_of(VerifyCards())
    assert [answer.cards for answer in answers] == [1] * len(cards) + [0]
    assert [found for answer in answers for found in answer.differences] == whole.differences


def test_expiries_left_over_are_told_and_posted_by_the_next_round(cloud, clock):
    shop = GiftShop.open(cloud.settings, clock)
    for _ in range(5):
        shop.active("1.00")
    answers = []
    while not answers or answers[-1].more:
        answers.append(ExpireCards(timedelta(seconds=8), Ticking(LATER))())
        assert len(answers) < 50
    assert len(answers) > 1
    assert sum(answer.posted for answer in answers) == 5
    assert ExpireCards(clock=lambda: LATER)() == Posted(0, more=False)


# --- the minute ---


def rewrapping(steps):
    keyring, _ = make_keys(steps, 8)
    return lambda: RewrapDataKeys(keyring, clock=steps.clock)(LATER)


def verifying(steps):
    shop = GiftShop.open(steps.cloud.settings, steps.clock)
    for _ in range(8):
        shop.active("1.00")
    return VerifyCards(clock=steps.clock)


def expiring(steps):
    shop = GiftShop.open(steps.cloud.settings, steps.clock)
    for _ in range(8):
        shop.active("1.00")
    steps.clock.now = LATER
    return ExpireCards(clock=steps.clock)


def sweeping(steps):
    s3 = steps.cloud.client("s3")
    for number in range(8):
        s3.put_object(Bucket="downloads", Key=f"downloads/{number}", Body=b"")
    steps.clock.now = s3.head_object(Bucket="downloads", Key="downloads/1")["LastModified"]
    steps.clock.advance(days=1)
    bucket = steps.desk.bucket
    return lambda: bucket.sweep(Round.of(TIME_BUDGET, steps.clock))


@pytest.mark.parametrize("work", [rewrapping, verifying, expiring, sweeping])
def test_an_answer_comes_in_time_whenever_aws_becomes_slow(steps, desk, monkeypatch, work):
    steps.desk = desk
    run = work(steps)
    longest = TIME_BUDGET + timedelta(seconds=LONGEST_CALL_S)
    for fast in range(12):
        began = steps.clock()
        with slow_calls(steps.clock, monkeypatch, after=fast) as made:
            try:
                run()
            except errors.OutOfTime:
                assert len(made) <= fast + 2
        assert len(made) > 0
        assert steps.clock() - began <= longest


# --- at the door ---


@pytest.mark.parametrize("cursor", WRONG_CURSORS)
def test_a_cursor_that_is_none_of_ours_is_refused_by_name(steps, cursor):
    keyring, _ = make_keys(steps, 1)
    with pytest.raises(errors.InvalidRequest, match="cursor"):
        RewrapDataKeys(keyring)(LATER, cursor)
    GiftShop.open(steps.cloud.settings, steps.clock)
    with pytest.raises(errors.InvalidRequest, match="cursor"):
        VerifyCards()(cursor)


# --- a request that is sent twice ---


def test_a_rotation_sent_twice_leaves_the_secret_in_use_alone(cloud, clock):
    tables.use(cloud.settings, ApiClient)
    made = clients.create("shop", ["orders:read"], clock=clock)
    client_id = made.client.client_id
    lost = clients.rotate(client_id, clock=clock)
    clock.advance(seconds=90)
    answered = clients.rotate(client_id, clock=clock)
    assert clients.authenticate(client_id, made.secret, clock=clock), "the shop's own"
    assert clients.authenticate(client_id, answered.secret, clock=clock)
    assert clients.authenticate(client_id, lost.secret, clock=clock) is None
    clock.advance(hours=1)
    next_one = clients.rotate(client_id, clock=clock)
    assert clients.authenticate(client_id, made.secret, clock=clock) is None
    assert clients.authenticate(client_id, answered.secret, clock=clock)
    assert clients.authenticate(client_id, next_one.secret, clock=clock)


def test_a_rotation_overtaken_by_another_leaves_the_secret_in_use_alone(cloud, clock, monkeypatch):
    tables.use(cloud.settings, ApiClient)
    made = clients.create("shop", ["orders:read"], clock=clock)
    client_id, find, overtaking = made.client.client_id, clients.find, []

    def overtaken(wanted):
        client = find(wanted)
        if not overtaking:
            overtaking.append(None)
            overtaking.append(clients.rotate(client_id, clock=clock))
        return client

    with monkeypatch.context() as patch:
        patch.setattr(clients, "find", overtaken)
        answered = clients.rotate(client_id, clock=clock)
    assert clients.authenticate(client_id, made.secret, clock=clock), "the shop's own"
    assert clients.authenticate(client_id, answered.secret, clock=clock)
    assert clients.authenticate(client_id, overtaking[-1].secret, clock=clock) is None
