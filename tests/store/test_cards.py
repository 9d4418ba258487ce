"""I1, I2, I6, I7 from stored to revealed cards, on moto's DynamoDB and KMS."""

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from pynamodb.exceptions import DoesNotExist

from cardvault.audit import trail
from cardvault.aws import boto_clients
from cardvault.core.cards import Card
from cardvault.errors import (
    CannotOpen,
    CardCountMismatch,
    CardsNotReady,
    CardsShredded,
    DuplicateCards,
    InvalidRequest,
    OrderNotFound,
    OrderNotFulfilled,
    StoredCardsDiffer,
    SupplierUnavailable,
)
from cardvault.fulfilment.poll import PollFulfilment
from cardvault.orders import store
from cardvault.orders.opening import read_all
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord, SealedPage
from tests.support.doubles import caller, canary_cards
from tests.support.interrupt import calls, interrupted_at
from tests.support.orders import change_order


def placed_order(steps, **supplier_order):
    order = steps.create()
    steps.supplier.placing = ["S1"]
    steps.place(order.order_id)
    steps.supplier.has("S1", **supplier_order)
    return order.order_id


def test_the_owner_sees_the_cards_that_came(steps):
    order_id = steps.stored_order(3)
    revealed = steps.reveal(order_id)
    assert revealed.cards == list(enumerate(canary_cards(3), start=1))
    assert revealed.next_page is None
    assert store.find(order_id).first_revealed_at is not None


def test_a_partial_fill_delivers_what_came_and_notes_the_shortfall(steps):
    order_id = placed_order(steps, status="PARTIALLY_FILLED", cards=canary_cards(2))
    order = steps.store(order_id)
    assert (order.status, order.fulfilled_quantity, order.refunded_quantity) == (
        "partially_filled",
        2,
        1,
    )
    assert len(steps.reveal(order_id).cards) == 2


def test_a_big_order_is_revealed_page_by_page(steps):
    order_id = steps.stored_order(601)
    pages = [steps.reveal(order_id, page) for page in range(3)]
    assert [card for page in pages for _, card in page.cards] == list(canary_cards(601))
    assert [page.next_page for page in pages] == [1, 2, None]
    with pytest.raises(InvalidRequest):
        steps.reveal(order_id, 3)


def test_storing_again_changes_nothing(steps):
    order_id = steps.stored_order(3)
    before = store.find(order_id)
    steps.supplier.has(f"S-{order_id}", cards=tuple(reversed(canary_cards(3))))
    assert steps.store(order_id).version == before.version
    assert len(list(SealedPage.scan(SealedPage.sort_key.startswith("CARDS#")))) == 1


def test_another_answer_for_stored_cards_is_refused(steps):
    order_id = steps.stored_order(3)
    steps.supplier.has(f"S-{order_id}", cards=canary_cards(3, tag="B"))
    with pytest.raises(StoredCardsDiffer):
        steps.store(order_id)
    assert steps.reveal(order_id).cards[0][1] == canary_cards(3)[0]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"fulfilled_quantity": 2}, CardCountMismatch),
        ({"quantity": 4}, CardCountMismatch),
        ({"quantity": 2}, CardCountMismatch),
        ({"cards": ()}, CardsNotReady),
        ({"cards": canary_cards(2)}, CardsNotReady),
        ({"fulfilled_quantity": 0, "cards": ()}, CardsNotReady),
        (
            {"status": "PARTIALLY_FILLED", "fulfilled_quantity": 2, "cards": canary_cards(1)},
            CardsNotReady,
        ),
        ({"cards": canary_cards(4)}, CardCountMismatch),
        ({"cards": (Card("CANARY-1", "s1"),) * 3}, DuplicateCards),
        (
            {"quantity": None, "fulfilled_quantity": None, "cards": canary_cards(1)},
            CardsNotReady,
        ),
        ({"quantity": 2, "fulfilled_quantity": 2, "cards": canary_cards(2)}, CardCountMismatch),
        ({"type_id": "T2"}, CardCountMismatch),
        ({"status": "HANDLING"}, SupplierUnavailable),
        ({"status": "REFUNDED"}, SupplierUnavailable),
    ],
)
def test_an_answer_that_does_not_add_up_stores_nothing(steps, answer, error):
    order_id = placed_order(steps, **answer)
    with pytest.raises(error):
        steps.store(order_id)
    assert store.find(order_id).stored_at is None
    with pytest.raises(DoesNotExist):
        DataKeyRecord.get(order_id)


def test_adopted_orders_learn_what_they_are_for(steps):
    there = "5f" + "0" * 22
    adopt = {"productId": None, "typeId": None, "quantity": None, "supplierOrderId": there}
    order = steps.create("key", caller("alice", scopes="orders:adopt"), **adopt)
    steps.supplier.has(there)
    poll = PollFulfilment(steps.supplier, deadline=timedelta(days=1), clock=steps.clock)
    assert poll(order.order_id, execution_started_at=steps.clock()) == "FULFILLED"
    known = store.find(order.order_id)
    assert (known.product_id, known.type_id, known.quantity) == ("P1", "T1", 3)


# --- I6: nobody else ---


@pytest.mark.parametrize("stranger", [caller("bob"), caller("alice", "b" * 24)])
def test_a_stranger_gets_the_answer_for_an_unknown_order_and_a_line_in_the_trail(steps, stranger):
    order_id = steps.stored_order(3)
    with pytest.raises(OrderNotFound) as refused:
        steps.reveal(order_id, by=stranger)
    with pytest.raises(OrderNotFound) as unknown:
        steps.reveal("0" * 24, by=stranger)
    assert str(refused.value) == str(unknown.value)
    last = list(trail.read_all(order_id))[-1]
    assert (last.event, last.reason) == ("REVEAL_REFUSED", "ORDER_NOT_FOUND")
    named = last.user_id is not None
    assert named == (stranger.tenant_id == "a" * 24), "a trail names no other tenant's users"


def test_a_stranger_can_neither_flood_the_trail_nor_keep_the_owner_waiting(steps):
    order_id = steps.stored_order(3)
    for _ in range(40):
        with pytest.raises(OrderNotFound):
            steps.reveal(order_id, by=caller("bob"))
    told = [r.reason for r in trail.read_all(order_id) if r.event == "REVEAL_REFUSED"]
    assert len(told) == 10 + 2
    assert told[-1] == "ORDER_NOT_FOUND, 32 times so far"
    assert steps.reveal(order_id).cards


def test_nothing_is_shown_before_it_is_fulfilled(steps):
    order = steps.create()
    with pytest.raises(OrderNotFulfilled, match="Order not fulfilled yet"):
        steps.reveal(order.order_id)
    assert steps.events(order.order_id)[-1] == "REVEAL_REFUSED"


def test_nothing_is_shown_once_shredded(steps):
    order_id = steps.stored_order(3)
    change_order(order_id, shredded_at="now")
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)


# --- I2: sealed cards open at their own place only ---


def test_pages_and_keys_swapped_between_orders_stay_shut(steps):
    one, other = steps.stored_order(3, "k1"), steps.stored_order(3, "k2")
    stolen = SealedPage.get(other, "CARDS#0000")
    SealedPage(one, "CARDS#0000", sealed_cards=stolen.sealed_cards).save()
    with pytest.raises(CannotOpen):
        steps.reveal(one)
    key = DataKeyRecord.get(other)
    key.order_id = one
    key.save()
    with pytest.raises(CannotOpen):
        steps.reveal(one)
    assert steps.events(one)[-1] == "REVEAL_REFUSED"


def test_pages_swapped_within_an_order_stay_shut(steps):
    order_id = steps.stored_order(500)
    second = SealedPage.get(order_id, "CARDS#0001")
    SealedPage(order_id, "CARDS#0000", sealed_cards=second.sealed_cards).save()
    with pytest.raises(CannotOpen):
        steps.reveal(order_id, 0)


def test_every_cut_and_any_flipped_byte_of_a_page_is_refused(steps):
    order_id = steps.stored_order(3)
    page = SealedPage.get(order_id, "CARDS#0000")
    whole = bytes(page.sealed_cards)
    one_card = len(whole) // 3
    damaged = [whole[:cut] for cut in (0, 1, one_card, 2 * one_card, len(whole) - 1)]
    damaged += [whole + whole[:one_card], whole[one_card:]]
    for at in range(0, len(whole), 7):
        damaged.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    for packed in damaged:
        SealedPage(order_id, "CARDS#0000", sealed_cards=packed).save()
        with pytest.raises(CannotOpen):
            steps.reveal(order_id)


def test_a_tail_cut_off_with_the_count_changed_to_match_is_refused(steps):
    order_id = steps.stored_order(3)
    page = SealedPage.get(order_id, "CARDS#0000")
    cut = page.sealed_cards[: len(page.sealed_cards) * 2 // 3]
    SealedPage(order_id, "CARDS#0000", sealed_cards=cut).save()
    change_order(order_id, fulfilled_quantity=2)
    with pytest.raises(CannotOpen):
        steps.reveal(order_id)


def test_a_tail_cut_off_with_the_layout_changed_to_match_is_missed_on_the_next_page(steps):
    order_id = steps.stored_order(4)
    page = SealedPage.get(order_id, "CARDS#0000")
    cut = page.sealed_cards[: len(page.sealed_cards) // 2]
    SealedPage(order_id, "CARDS#0000", sealed_cards=cut).save()
    change_order(order_id, cards_per_page=2)
    assert steps.reveal(order_id).next_page == 1
    with pytest.raises(CannotOpen):
        steps.reveal(order_id, 1)
    keyring = Keyring(boto_clients.kms(), steps.cloud.settings.card_key_arn)
    with pytest.raises(CannotOpen):
        read_all(store.find(order_id)).open(keyring)


@pytest.mark.parametrize("per_page", [-1, 0, 3, 251])
def test_a_layout_that_is_not_the_orders_opens_nothing(steps, per_page):
    order_id = steps.stored_order(4)
    change_order(order_id, cards_per_page=per_page)
    with pytest.raises(CannotOpen):
        steps.reveal(order_id)


@pytest.mark.parametrize("field", ["wrapped_key", "commitment"])
def test_a_damaged_key_record_is_refused(steps, field):
    order_id = steps.stored_order(3)
    key = DataKeyRecord.get(order_id)
    damaged = bytearray(getattr(key, field))
    damaged[-1] ^= 1
    setattr(key, field, bytes(damaged))
    key.save()
    with pytest.raises(CannotOpen):
        steps.reveal(order_id)


# --- one read, one KMS call, one write ---


@pytest.mark.parametrize("cards", [3, 600])
def test_a_first_reveal_is_one_read_one_decrypt_one_transaction(steps, cards):
    order_id = steps.stored_order(cards)
    with calls() as made:
        steps.reveal(order_id)
    assert made == ["TransactGetItems", "Decrypt", "TransactWriteItems"]


@pytest.mark.parametrize("cards", [3, 600])
def test_any_other_reveal_is_one_read_one_decrypt_one_put_and_leaves_the_order_alone(steps, cards):
    order_id = steps.stored_order(cards)
    steps.reveal(order_id)
    before = store.find(order_id).serialize()
    with calls() as made:
        steps.reveal(order_id)
    assert made == ["TransactGetItems", "Decrypt", "PutItem"]
    assert store.find(order_id).serialize() == before
    assert steps.events(order_id)[-2:] == ["CARDS_DELIVERED"] * 2


def test_of_many_first_reveals_at_once_one_changes_the_order(steps):
    order_id = steps.stored_order(3)
    version = store.find(order_id).version
    with interrupted_at(3, lambda: steps.reveal(order_id)):
        steps.reveal(order_id)
    assert store.find(order_id).version == version + 1
    assert steps.events(order_id).count("CARDS_DELIVERED") == 2


def test_a_kms_outage_leaves_the_reveal_untold_and_the_order_as_it_was(steps, monkeypatch):
    order_id = steps.stored_order(3)
    before = store.find(order_id).version

    def outage(**_):
        raise ClientError({"Error": {"Code": "KMSInternalException"}}, "Decrypt")

    monkeypatch.setattr(boto_clients.kms(), "decrypt", outage)
    with pytest.raises(ClientError):
        steps.reveal(order_id)
    assert store.find(order_id).version == before


# --- I1: at rest ---


def test_no_table_holds_a_code(steps):
    steps.stored_order(3)
    client = steps.cloud.client("dynamodb")
    for table in client.list_tables()["TableNames"]:
        held = json.dumps(client.scan(TableName=table)["Items"], default=repr)
        assert "CANARY" not in held


def test_the_index_carries_no_sealed_page(steps):
    steps.stored_order(3)
    client = steps.cloud.client("dynamodb")
    listed = client.scan(TableName="OrdersTable", IndexName="ordersOfOwner")["Items"]
    assert [item["sk"]["S"] for item in listed] == ["ORDER"]
