"""One code sold to two orders is found though no table tells it; marks go with shredding."""

import pytest

from cardvault.core.cards import Card
from cardvault.errors import DuplicateCards, StoringOvertaken
from cardvault.orders import store
from cardvault.orders.shred import shred_cards
from cardvault.sealing import code_marks
from cardvault.sealing.code_marks import MOST_MARKS, CodeMark, marks_of
from tests.support.doubles import caller, canary_cards

OTHER_TENANT = caller("eve", "b" * 24)


@pytest.fixture(autouse=True)
def _real_cards(supplier):
    supplier.is_sandbox = False


def order_of(steps, cards, key="key-1", by=None):
    order_id = str(steps.create(key, by, quantity=len(cards)).order_id)
    steps.supplier.placing.append(f"S-{order_id}")
    steps.supplier.has(f"S-{order_id}", quantity=len(cards), cards=tuple(cards))
    steps.place(order_id)
    return order_id


def stored(steps, cards, key="key-1", by=None):
    order_id = order_of(steps, cards, key, by)
    steps.store(order_id)
    return order_id


def kept(steps):
    return {record.key: record.order_id for record in CodeMark.scan(consistent_read=True)}


def dies_before_storing(steps, monkeypatch, order_id):
    with monkeypatch.context() as dying:
        dying.setattr("cardvault.fulfilment.store_cards.write_pages", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            steps.store(order_id)


@pytest.mark.parametrize("by", [None, caller("bob"), OTHER_TENANT])
def test_a_code_that_another_order_has_is_found_and_not_stored(steps, output, by):
    first = stored(steps, canary_cards(3))
    second = order_of(steps, [*canary_cards(2, "B"), canary_cards(3)[1]], "key-2", by)
    with pytest.raises(DuplicateCards):
        steps.store(second)
    assert store.find(second).stored_at is None
    assert first in output.text(), "the log says which order has it"
    assert "CANARY" not in output.text()


def test_other_cards_settle_it(steps):
    stored(steps, canary_cards(3))
    second = order_of(steps, canary_cards(3), "key-2")
    with pytest.raises(DuplicateCards):
        steps.store(second)
    steps.supplier.has(f"S-{second}", cards=canary_cards(3, "B"))
    assert steps.store(second).status == "fulfilled"


def test_a_repeat_and_a_redrive_of_the_same_order_are_no_duplicates(steps, monkeypatch):
    order_id = order_of(steps, canary_cards(3))
    dies_before_storing(steps, monkeypatch, order_id)
    for _ in range(2):
        assert steps.store(order_id).status == "fulfilled"


def test_one_pin_with_other_serials_is_no_duplicate(steps):
    stored(steps, [Card("CANARY-PIN", f"CANARY-SERIAL-{n}") for n in range(3)])
    stored(steps, [Card("CANARY-PIN", f"CANARY-SERIAL-{n}") for n in range(3, 6)], "key-2")


def test_one_card_twice_in_an_order_is_found(steps):
    order_id = order_of(steps, [Card("CANARY-PIN", "CANARY-1"), Card("CANARY-PIN", "CANARY-1")])
    with pytest.raises(DuplicateCards):
        steps.store(order_id)


def test_the_suppliers_sandbox_may_repeat_its_codes(steps):
    steps.supplier.is_sandbox = True
    stored(steps, canary_cards(3))
    stored(steps, canary_cards(3), "key-2")
    assert kept(steps) == {}


def test_no_mark_tells_a_code_and_each_is_keyed(steps):
    cards = canary_cards(3)
    order_id = stored(steps, cards)
    expected = {f"CODE#{mark.hex()}" for mark in marks_of("test", cards)}
    assert kept(steps) == dict.fromkeys({*expected, f"ORDER#{order_id}"}, order_id)
    assert not set(marks_of("other", cards)) & set(marks_of("test", cards))


def test_i8_the_marks_go_with_shredding_and_the_codes_are_free(steps):
    order_id, other = stored(steps, canary_cards(3)), stored(steps, canary_cards(2, "B"), "key-2")
    shred_cards(order_id, caller(), clock=steps.clock)
    assert set(kept(steps).values()) == {other}
    stored(steps, canary_cards(3), "key-3")


def test_i8_shredding_that_died_is_finished_by_a_repeat(steps, monkeypatch):
    order_id = stored(steps, canary_cards(3))
    with monkeypatch.context() as dying:
        dying.setattr(code_marks, "forget", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shred_cards(order_id, caller(), clock=steps.clock)
    shred_cards(order_id, caller(), clock=steps.clock)
    assert kept(steps) == {}


def test_i8_a_late_attempt_leaves_no_mark_after_shredding(steps, monkeypatch):
    order_id = order_of(steps, canary_cards(3))
    marking = code_marks.mark

    def late(*asked):
        monkeypatch.setattr(code_marks, "mark", marking)
        steps.store(order_id)
        shred_cards(order_id, caller(), clock=steps.clock)
        return marking(*asked)

    monkeypatch.setattr(code_marks, "mark", late)
    with pytest.raises(StoringOvertaken):
        steps.store(order_id)
    assert kept(steps) == {}


def test_cards_that_changed_before_they_were_stored_leave_no_mark_behind(steps, monkeypatch):
    order_id = order_of(steps, canary_cards(3))
    dies_before_storing(steps, monkeypatch, order_id)
    steps.supplier.has(f"S-{order_id}", cards=canary_cards(3, "B"))
    steps.store(order_id)
    shred_cards(order_id, caller(), clock=steps.clock)
    assert kept(steps) == {}


def test_two_large_orders_of_the_same_cards_share_their_marks():
    cards = canary_cards(2 * MOST_MARKS)
    marks = marks_of("test", cards)
    assert len(marks) == MOST_MARKS
    assert marks == marks_of("test", cards[::-1])
