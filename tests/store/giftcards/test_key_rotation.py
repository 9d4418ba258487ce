"""Rotating the keys of numbers and codes: no moment without an answer, nothing left behind."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from cardvault.aws import boto_clients
from cardvault.aws.cached_secret import CachedSecret
from cardvault.errors import CannotOpen, IdempotencyKeyReused, InvalidRequest, OutOfTime
from cardvault.giftcards import store
from cardvault.giftcards.ledger.records import (
    CardNumberRecord,
    CardRecord,
    EntryRecord,
    IdempotencyRecord,
)
from cardvault.giftcards.operations.reseal import ResealGiftCards
from cardvault.giftcards.operations.rotate_keys import RotateKeys
from cardvault.giftcards.security import keys as rotating
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from tests.support.giftcards import GiftShop
from tests.support.given_secret import given_secret
from tests.support.interrupt import calls, interrupted_at


@dataclass
class Rotation:
    """An operator, and the shops of functions that start at different moments."""

    shop: GiftShop

    @property
    def client(self):
        return boto_clients.secrets_manager()

    def __call__(self, action, budget=timedelta(minutes=5), **more):
        settings = self.shop.settings
        arns = (settings.card_number_secret_arn, settings.security_code_secret_arn)
        numbers, codes = (CachedSecret(self.client, arn) for arn in arns)
        reseal = ResealGiftCards(NumberVault(numbers), CodeVault(codes), budget, self.shop.clock)
        step = RotateKeys(self.client, *arns, reseal, self.shop.clock)
        return step({"action": action, **more})

    def started_now(self):
        """A function that starts now: it has read no secret yet."""
        return replace(self.shop)

    def warm(self):
        """A function that has read both secrets as they are now, and keeps them."""
        shop = self.started_now()
        shop.numbers.index_of("0")
        shop.codes.mac("0", "0")
        return shop

    def secret(self, name="number"):
        return json.loads(self.client.get_secret_value(SecretId=name)["SecretString"])

    def wait(self):
        self.shop.clock.now += rotating.UNTIL_READ_EVERYWHERE

    def up_to(self, last):
        for step in ("prepare", "switch", "reseal", "retire"):
            self(step)
            self.wait()
            if step == last:
                return


@pytest.fixture
def rotation(shop):
    return Rotation(shop)


def coded(shop, value="100.00"):
    card = shop.active(value)
    return {**card, "code": shop.do("resend-code", card["id"])["securityCode"]}


def assert_serves(shop, card):
    """The function finds, opens and checks the card in every way there is."""
    number = card["cardNumber"]
    assert shop.details(card["id"])["cardNumber"] == number
    shop.clock.now += timedelta(minutes=1)
    assert shop.check_balance(number, card["code"])["id"] == card["id"]
    assert shop.find(text=number)[0][0]["id"] == card["id"]
    shop.do("reload-by-number", cardNumber=number, amount=Decimal(1))
    target = shop.active("5.00")["cardNumber"]
    wanted = {"destinationCardNumber": target, "amount": Decimal(1)}
    shop.do("transfer", card["id"], securityCode=card["code"], **wanted)


def test_no_function_misses_a_card_at_any_moment(rotation):
    """A function may hold the keys as they were one step ago, and serves cards of any other."""
    cards = [coded(rotation.shop)]
    for step in ("prepare", "switch", "reseal", "retire"):
        before = rotation.warm()
        rotation(step)
        after = rotation.warm()
        cards += [coded(before), coded(after)]
        for card in cards:
            assert_serves(before, card)
            assert_serves(after, card)
        rotation.wait()
        if step == "switch":  # what a function wrote that had not read the secret again
            assert stored_under(rotation.secret()["former"][0]) > 0


def stored_under(key):
    """How many cards, answers and numbers are under that key."""
    vault = NumberVault(given_secret(key))
    everything = list(CardRecord.scan(CardRecord.sort_key == "CARD"))
    answers = list(IdempotencyRecord.scan(IdempotencyRecord.sort_key.startswith("IDEM#")))
    sealed = [(card.sealed_number, card.card_id) for card in everything]
    sealed += [(a.sealed_answer, f"{a.owner_id} {a.sort_key}") for a in answers]
    return sum(vault.is_current(*box) for box in sealed)


def test_nothing_stays_under_the_former_key(rotation):
    shop = rotation.shop
    cards = [coded(shop) for _ in range(3)]
    voided = shop.active()
    shop.do("void", voided["id"], reason="fraud")
    rotation("prepare")
    rotation.wait()
    rotation("switch")
    rotation.wait()
    former = rotation.secret()["former"][0]
    assert stored_under(former) == 13
    told = rotation("reseal")
    assert told == {"resealed": 4 + 9, "failed": 0}
    assert stored_under(former) == 0
    indexes = {
        record.key for record in CardNumberRecord.scan(CardNumberRecord.sort_key == "NUMBER")
    }
    assert len(indexes) == 4
    vault = NumberVault(given_secret(former))
    assert not indexes & {f"NUMBER#{vault.index_of(card['cardNumber'])}" for card in cards}
    code_key = CodeVault(given_secret(rotation.secret("code")["key"]))
    assert all(code_key.is_current(store.find(card["id"]).code_mac) for card in cards)
    rotation("retire")
    assert former not in json.dumps(rotation.secret())
    for card in cards:
        assert_serves(rotation.started_now(), card)


def test_each_card_says_that_its_keys_were_rotated_and_keeps_its_money(rotation):
    card = coded(rotation.shop, "12.34")
    rotation.up_to("reseal")
    newest = rotation.started_now().transactions(card["id"])[0]
    assert newest["transactionType"] == "KEY_ROTATION"
    assert newest["amount"] == 0
    assert newest["balanceAfter"] == Decimal("12.34")


def test_a_second_go_changes_nothing(rotation):
    card = coded(rotation.shop)
    rotation.up_to("reseal")
    before = store.find(card["id"]).fields()
    assert rotation("reseal") == {"resealed": 0, "failed": 0}
    assert store.find(card["id"]).fields() == before


def test_codes_survive_rotation_after_rotation(rotation):
    shop = rotation.shop
    cards = [coded(shop)]
    legacy = store.find(cards[0]["id"])
    legacy.update([CardRecord.code_mac.set(legacy.code_mac[-32:])])  # as former releases kept it
    entry = store.last_entry(legacy)
    entry.delete()
    legacy.update(
        [CardRecord.entry_seq.set(entry.seq - 1), CardRecord.entry_hash.set(entry.previous_hash)]
    )
    for _ in range(3):
        rotation.up_to("retire")
        cards.append(coded(rotation.started_now()))
    for card in cards:
        assert_serves(rotation.started_now(), card)
        wrong = f"{(int(card['code']) + 1) % 10**6:06d}"
        assert not shop.codes.matches(store.find(card["id"]).code_mac, card["id"], wrong)
    assert len(rotation.secret("code")["former"]) == 3
    assert "former" not in rotation.secret()


def test_i10_a_repeat_is_answered_until_the_former_key_is_dropped_and_never_done_again(rotation):
    shop = rotation.shop
    card = shop.active("100.00")
    first = shop.redeem(card["id"], "10.00", key="once")
    for step in ("prepare", "switch", "reseal"):
        rotation(step)
        rotation.wait()
        assert rotation.started_now().redeem(card["id"], "10.00", key="once") == first
        with pytest.raises(IdempotencyKeyReused):
            rotation.started_now().redeem(card["id"], "10.01", key="once")
    rotation("retire")
    with pytest.raises(IdempotencyKeyReused):
        rotation.started_now().redeem(card["id"], "10.00", key="once")
    assert rotation.started_now().details(card["id"])["balance"] == Decimal("90.00")


def test_rounds_go_on_where_they_ended(rotation, monkeypatch):
    shop = rotation.shop
    cards = [coded(shop) for _ in range(4)]
    rotation.up_to("switch")
    former = rotation.secret()["former"][0]
    total, cursor, rounds = 0, {}, 0
    while True:
        with monkeypatch.context() as ticking:
            tick(ticking, shop.clock)
            told = rotation("reseal", budget=timedelta(seconds=20), **cursor)
        total, rounds = total + told["resealed"], rounds + 1
        if "nextCursor" not in told:
            break
        cursor = {"cursor": told["nextCursor"]}
    assert rounds > 3
    assert total == 4 + 8
    assert stored_under(former) == 0
    assert rotation("status")["stage"] == "resealed"
    for card in cards:
        assert_serves(rotation.started_now(), card)


def tick(patch, clock):
    """Have each look at the clock take a second."""

    def later(self):
        self.now += timedelta(seconds=1)
        return self.now

    patch.setattr(type(clock), "__call__", later)


def test_a_round_without_time_says_so(rotation):
    coded(rotation.shop)
    rotation.up_to("switch")
    with pytest.raises(OutOfTime):
        rotation("reseal", budget=timedelta(0))


def test_what_does_not_open_is_counted_and_the_key_stays(rotation, caplog):
    shop = rotation.shop
    card, other = coded(shop), coded(shop)
    broken = store.find(card["id"])
    sealed = broken.sealed_number
    CardRecord(card["id"]).update([CardRecord.sealed_number.set(bytes(len(sealed)))])
    rotation.up_to("switch")
    assert rotation("reseal")["failed"] == 1
    with pytest.raises(InvalidRequest, match="switched"):
        rotation("retire")
    assert_serves(rotation.started_now(), other)
    CardRecord(card["id"]).update([CardRecord.sealed_number.set(sealed)])
    assert rotation("reseal") == {"resealed": 1, "failed": 0}
    assert rotation("retire")["stage"] == "settled"


def test_a_failure_of_an_earlier_round_is_not_forgotten_by_the_last(rotation, monkeypatch):
    shop = rotation.shop
    sealed = {}
    for card in [coded(shop) for _ in range(3)]:
        sealed[card["id"]] = store.find(card["id"]).sealed_number
        broken = bytes(len(sealed[card["id"]]))
        CardRecord(card["id"]).update([CardRecord.sealed_number.set(broken)])
    rotation.up_to("switch")
    cursor, failed = {}, 0
    while True:
        with monkeypatch.context() as ticking:
            tick(ticking, shop.clock)
            told = rotation("reseal", budget=timedelta(seconds=20), **cursor)
        failed += told["failed"]
        if "nextCursor" not in told:
            break
        cursor = {"cursor": told["nextCursor"]}
    assert failed == 3
    assert rotation("status")["stage"] == "switched"
    for card_id, box in sealed.items():
        CardRecord(card_id).update([CardRecord.sealed_number.set(box)])


@pytest.fixture
def resealing(rotation):
    """A card to be re-sealed, and functions that started after the switch."""
    card = coded(rotation.shop)
    rotation.up_to("switch")
    return card


@pytest.mark.parametrize("late", range(1, 10))
def test_i10_money_moves_while_a_card_is_resealed(rotation, resealing, late):
    card, function = resealing, rotation.warm()
    with interrupted_at(late, lambda: function.redeem(card["id"], "10.00")):
        told = rotation("reseal")
    assert told["failed"] == 0
    assert rotation("reseal")["failed"] == 0
    assert stored_under("test number") == 0
    assert_serves(rotation.started_now(), card)
    balance = Decimal("90.00")  # one more came by its number, and one went
    assert rotation.started_now().details(card["id"])["balance"] == balance


@pytest.mark.parametrize("late", range(1, 5))
def test_i10_a_card_is_resealed_while_money_moves(rotation, resealing, late):
    card, function = resealing, rotation.warm()
    with interrupted_at(late, lambda: rotation("reseal")):
        function.redeem(card["id"], "10.00", key="once")
    assert function.redeem(card["id"], "10.00", key="once")["remainingBalance"] == Decimal("90.00")
    assert_serves(rotation.started_now(), card)


@pytest.mark.parametrize("late", range(1, 6))
def test_i6_a_number_is_found_while_its_card_is_resealed(rotation, resealing, late):
    function = rotation.warm()
    with interrupted_at(late, lambda: rotation("reseal")):
        found, _ = function.find(text=resealing["cardNumber"])
    assert [card["id"] for card in found] == [resealing["id"]]


@pytest.mark.parametrize("late", range(1, 14))
def test_two_goes_at_once_reseal_each_thing_once(rotation, resealing, late):
    with interrupted_at(late, lambda: rotation("reseal")):
        rotation("reseal")
    kinds = [entry["transactionType"] for entry in rotation.warm().transactions(resealing["id"])]
    assert kinds.count("KEY_ROTATION") == 1
    assert_serves(rotation.started_now(), resealing)


def test_i6_an_unknown_number_takes_as_many_reads_as_another_s(rotation, resealing):
    function, made = rotation.warm(), []
    for number in (resealing["cardNumber"], "9000000000000001"):
        with calls() as counted:
            store.id_of_number(function.numbers.indexes_of(number))
        made.append(counted)
    assert made[0] == made[1] == ["GetItem", "GetItem"]


def test_a_number_is_nobody_s_under_any_key(rotation, monkeypatch):
    shop = rotation.shop
    taken = shop.new()["cardNumber"]
    rotation.up_to("switch")
    free = "9000000000000001"
    drawn = iter([taken, free])
    monkeypatch.setattr("cardvault.giftcards.operations.issue.new_number", lambda: next(drawn))
    assert rotation.started_now().new()["cardNumber"] == free


# --- the steps ---


def test_the_stages_follow_one_another(rotation):
    assert rotation("status") == {"stage": "settled"}
    for step, stage in (("prepare", "prepared"), ("switch", "switched")):
        told = rotation(step)
        assert told["stage"] == stage
        assert rotation("status") == told
        rotation.wait()
    rotation("reseal")
    assert rotation("status")["stage"] == "resealed"
    assert rotation("retire")["stage"] == "settled"


@pytest.mark.parametrize(
    ("reached", "refused"),
    [
        (None, ["switch", "reseal"]),
        ("prepare", ["reseal", "retire"]),
        ("switch", ["prepare", "retire"]),
        ("reseal", ["prepare"]),
    ],
)
def test_a_step_out_of_turn_is_refused(rotation, reached, refused):
    if reached:
        rotation.up_to(reached)
    before = rotation.secret(), rotation.secret("code")
    for step in refused:
        with pytest.raises(InvalidRequest, match="not now: the rotation is"):
            rotation(step)
    assert (rotation.secret(), rotation.secret("code")) == before


def test_a_step_repeated_changes_nothing(rotation):
    for step in ("prepare", "switch", "reseal", "retire"):
        rotation(step)
        before = rotation.secret(), rotation.secret("code")
        if step != "reseal":
            rotation(step)
            assert (rotation.secret(), rotation.secret("code")) == before
        rotation.wait()


@pytest.mark.parametrize("step", ["switch", "reseal"])
def test_no_step_is_taken_while_a_function_may_hold_the_keys_before(rotation, step):
    rotation("prepare")
    if step == "reseal":
        rotation.wait()
        rotation("switch")
    moment = rotation.shop.clock.now + timedelta(minutes=10)
    rotation.shop.clock.now = moment - timedelta(seconds=1)
    with pytest.raises(InvalidRequest, match="go on at"):
        rotation(step)
    rotation.shop.clock.now = moment
    rotation(step)


@pytest.mark.parametrize("step", ["prepare", "switch"])
def test_a_step_that_died_between_the_secrets_is_finished_by_its_repeat(
    rotation, monkeypatch, step
):
    card = coded(rotation.shop)
    if step == "switch":
        rotation.up_to("prepare")
    put, written = RotateKeys._write, []

    def dies(self, *change):
        if written:
            raise ConnectionError
        written.append(change)
        return put(self, *change)

    with monkeypatch.context() as dying:
        dying.setattr(RotateKeys, "_write", dies)
        with pytest.raises(ConnectionError):
            rotation(step)
    half = rotation.secret("code")
    assert_serves(rotation.started_now(), card)
    rotation(step)
    assert rotation.secret("code") == half
    assert_serves(rotation.started_now(), card)


@pytest.mark.parametrize("asked", [{"action": "forget"}, {}, {"action": "status", "cursor": "x"}])
def test_an_unknown_request_is_refused(rotation, asked):
    with pytest.raises(InvalidRequest):
        rotation(**{"action": None, **asked})


@pytest.mark.parametrize("cursor", ["x", "WzEsMl0", "Wy0xLCJhIiwiYiJd", "WzAsIiIsImIiXQ"])
def test_a_foreign_cursor_is_refused(rotation, cursor):
    rotation.up_to("switch")
    with pytest.raises(InvalidRequest, match="cursor"):
        rotation("reseal", cursor=cursor)


def test_the_former_key_opens_nothing_afterwards(rotation):
    card = coded(rotation.shop)
    rotation.up_to("retire")
    former = NumberVault(given_secret("test number"))
    kept = store.find(card["id"])
    with pytest.raises(CannotOpen):
        former.open(kept.sealed_number, card["id"])
    assert not CodeVault(given_secret("test code")).matches(kept.code_mac, card["id"], card["code"])
    assert not any(
        former.index_of(card["cardNumber"]) in str(e.fields()) for e in EntryRecord.scan()
    )
