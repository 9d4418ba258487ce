"""I4, I8, I13: the largest orders pass where a partition gives 1,000 write units a second."""

import pytest
from pynamodb.exceptions import TransactWriteError

from cardvault.aws import boto_clients, retries
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core.cards import Card
from cardvault.errors import CardTooLong, InvalidRequest, OrderTooLarge
from cardvault.fulfilment.create import LARGEST_ORDER, NewOrder
from cardvault.orders import store
from cardvault.orders.opening import read_all
from cardvault.orders.shred import shred_cards
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.pages import LARGEST_PAGE, LARGEST_SEALED_ORDER, LONGEST_SEALED_CARD
from cardvault.sealing.sealed_card import CardKey
from cardvault.sealing.store import SealedPage, page_key, seal_pages
from cardvault.supplier import client as supplier_client
from cardvault.supplier.refusals import LONGEST_RETRY_AFTER_S
from tests.support.capacity import Partitions, limited
from tests.support.doubles import caller
from tests.support.template import resources

# Version, nonce and tag; brackets, quotes and `,null`; the length in front.
AROUND_A_VALUE = 1 + 12 + 16 + len('["",null]') + 2
SURE_CARD = LARGEST_SEALED_ORDER // LARGEST_ORDER - AROUND_A_VALUE
# What docs/operations.md promises each card of the largest order.
PROMISED_BYTES = 2_000
# Two reads of the supplier, each with its pause, before the first card is there.
SUPPLIER_S = 2 * (supplier_client.CONNECT_TIMEOUT_S + supplier_client.READ_TIMEOUT_S) + (
    LONGEST_RETRY_AFTER_S
)


def cards_of(length, count=LARGEST_ORDER):
    return tuple(Card(f"{n:05d}".ljust(length, "x")) for n in range(1, count + 1))


def order_of(steps, cards, key="key-1"):
    order = steps.create(key, quantity=len(cards))
    supplier_order_id = f"S-{key}"
    steps.supplier.placing.append(supplier_order_id)
    steps.supplier.has(supplier_order_id, quantity=len(cards), cards=cards)
    steps.place(order.order_id)
    return order.order_id


def timeout(function):
    return resources("AWS::Serverless::Function")[function]["Properties"]["Timeout"]


def opened(steps, order_id):
    keyring = Keyring(boto_clients.kms(), steps.cloud.settings.card_key_arn)
    return tuple(card for _, card in read_all(store.find(order_id)).open(keyring))


@pytest.mark.parametrize(
    ("length", "partitions"),
    [
        pytest.param(300, Partitions(unused=True), id="300 characters, unused burst"),
        pytest.param(300, Partitions(), id="300 characters, no burst"),
        pytest.param(SURE_CARD, Partitions(unused=True), id="longest, unused burst"),
        pytest.param(SURE_CARD, Partitions(), id="longest, no burst"),
        pytest.param(SURE_CARD, Partitions(share=0.5), id="longest, half of it another's"),
    ],
)
def test_i4_the_largest_order_is_stored_read_and_shredded_in_its_functions_time(
    steps, length, partitions
):
    cards = cards_of(length)
    order_id = order_of(steps, cards)
    with limited(partitions):
        began = partitions.now
        steps.store(order_id)
        assert partitions.now - began + SUPPLIER_S < timeout("StoreCardsFunction")
        assert partitions.unused == (partitions.refused == 0)
        began = partitions.now
        assert opened(steps, order_id) == cards
        assert partitions.now - began < timeout("CreateDownloadFunction") / 2
        if partitions.share == 1:
            began = partitions.now
            shred_cards(order_id, caller(), clock=steps.clock)
            assert partitions.now - began < timeout("ShredCardsFunction")
            assert list(SealedPage.query(order_id, SealedPage.sort_key.startswith("CARDS#"))) == []


def test_one_transaction_of_as_many_cards_would_never_pass_without_a_burst(steps):
    pages = seal_pages(CardKey.derive(bytes(32)), "a" * 24, "b" * 24, cards_of(300)).pages
    with limited(Partitions()) as partitions:
        partitions.now = 600.0
        work = UnitOfWork()
        for number, packed in enumerate(pages):
            work.save(SealedPage("b" * 24, page_key(number), sealed_cards=packed))
        with pytest.raises(TransactWriteError):
            work.commit()
    assert partitions.refused == retries.THROTTLED_TRIES


def test_a_page_is_a_plain_write_of_one_unit_a_kilobyte(steps):
    cards = cards_of(300)
    order_id = order_of(steps, cards)
    with limited(Partitions(unused=True)) as partitions:
        steps.store(order_id)
    size = sum(len(page.sealed_cards) for page in SealedPage.query(order_id) if page.sealed_cards)
    assert size / 1024 < partitions.written < size / 1024 + 100


# --- what cannot be stored is refused before it is bought, and what was bought can be stored ---


def test_more_cards_than_can_be_stored_are_refused_before_they_are_bought():
    buying = {"productId": "P1", "typeId": "T1", "quantity": LARGEST_ORDER + 1}
    with pytest.raises(InvalidRequest, match="quantity"):
        NewOrder.parse(buying)
    assert NewOrder.parse({**buying, "quantity": LARGEST_ORDER}).quantity == LARGEST_ORDER
    assert LARGEST_ORDER * PROMISED_BYTES <= LARGEST_SEALED_ORDER


@pytest.mark.parametrize(
    "lengths",
    [
        pytest.param([1, LONGEST_SEALED_CARD - AROUND_A_VALUE + 2, 3], id="one as long as it gets"),
        pytest.param([LONGEST_SEALED_CARD - AROUND_A_VALUE + 2] * 20, id="all so long"),
        pytest.param([2_000] * 600, id="web addresses"),
    ],
)
def test_i4_cards_of_any_length_are_stored_and_come_back(steps, lengths):
    cards = tuple(Card(f"{n}".ljust(length, "y")) for n, length in enumerate(lengths))
    order_id = order_of(steps, cards)
    steps.store(order_id)
    assert opened(steps, order_id) == cards
    page, shown = 0, []
    while page is not None:
        revealed = steps.reveal(order_id, page)
        shown += [card for _, card in revealed.cards]
        page = revealed.next_page
    assert tuple(shown) == cards
    pages = SealedPage.query(order_id, SealedPage.sort_key.startswith("CARDS#"))
    assert max(len(page.sealed_cards) for page in pages) <= LARGEST_PAGE


@pytest.mark.parametrize(
    ("cards", "error"),
    [
        pytest.param(
            (Card("x" * (LONGEST_SEALED_CARD - AROUND_A_VALUE + 3)),), CardTooLong, id="one card"
        ),
        pytest.param(cards_of(SURE_CARD + 1), OrderTooLarge, id="all together"),
    ],
)
def test_i13_what_is_too_long_is_refused_before_anything_is_written(steps, cards, error):
    order_id = order_of(steps, cards)
    with pytest.raises(error):
        steps.store(order_id)
    assert list(SealedPage.query(order_id, SealedPage.sort_key.startswith("CARDS#"))) == []


def test_an_adopted_order_of_more_cards_than_can_be_bought_is_stored(steps):
    cards = cards_of(16, LARGEST_ORDER + 2_000)
    there = "5f" + "0" * 22
    wanted = {"productId": None, "typeId": None, "quantity": None, "supplierOrderId": there}
    order = steps.create("key", caller("alice", scopes="orders:adopt"), **wanted)
    steps.supplier.has(there, quantity=len(cards), cards=cards)
    steps.store(order.order_id)
    assert opened(steps, order.order_id) == cards
