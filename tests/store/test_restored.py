"""Going back to a moment: what belongs together, and what happened since stays happened."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from cardvault import restoring
from cardvault.audit import stream, trail
from cardvault.audit.chain import head_of
from cardvault.claims.claim import ClaimRequest
from cardvault.core.hash_chain import Break
from cardvault.errors import (
    CardsShredded,
    GiftCardNotFound,
    LinkUnusable,
    OrderNotFound,
    SupplierOrderTaken,
)
from cardvault.fulfilment.uniqueness import supplier_order_key
from cardvault.links import AccessLink, State
from cardvault.orders import audit, store
from cardvault.orders.erase import erase_recipient
from cardvault.orders.records import RECORD_KEY, Status, UniquenessRecord
from cardvault.orders.shred import shred_cards
from cardvault.sealing.store import DataKeyRecord
from tests.support.chaining import chain_everything, first_break, verified
from tests.support.delivery import ORIGIN
from tests.support.doubles import caller, canary_cards
from tests.support.giftcards import GiftShop
from tests.support.orders import change_order

SUPPLIER_ORDER = "695735a5" + "0" * 16
ADOPTER = caller(scopes="orders:adopt")
TOGETHER = ("OrdersTable", "AuditTrailTable", "GiftGuardsTable")


@dataclass
class Backup:
    """Tables as they were when it was made, as the runbook brings them back."""

    dynamodb: Any
    tables: tuple[str, ...]

    def __post_init__(self):
        for table in self.tables:
            self.dynamodb.restore_table_to_point_in_time(
                SourceTableName=table,
                TargetTableName=f"{table}-restored",
                UseLatestRestorableTime=True,
            )

    def take_the_names(self, *tables):
        """Delete the damaged tables and give their names to the copies."""
        for table in tables or self.tables:
            backup = self.dynamodb.create_backup(TableName=f"{table}-restored", BackupName=table)
            self.dynamodb.delete_table(TableName=table)
            self.dynamodb.restore_table_from_backup(
                TargetTableName=table, BackupArn=backup["BackupDetails"]["BackupArn"]
            )


@pytest.fixture
def backup(cloud):
    return lambda *tables: Backup(cloud.client("dynamodb"), tables or TOGETHER)


@pytest.fixture
def see_to(monkeypatch, capsys, steps, desk):
    """Run the command; what it prints, by order."""

    def run():
        monkeypatch.setattr(restoring, "Settings", lambda: steps.cloud.settings)
        monkeypatch.setattr("sys.argv", ["restored", "OrdersTable", "OrdersTable-restored"])
        capsys.readouterr()
        status = restoring.main()
        *lines, summary = capsys.readouterr().out.splitlines()
        assert status == bool(lines)
        told = {}
        for line in lines:
            order_id, _, task = line.partition(" ")
            told.setdefault(order_id, []).append(task)
        return told, summary

    return run


def supplied(steps, order_id, cards=3):
    """The supplier has the order's cards ready under this id."""
    steps.supplier.placing.append(f"S-{order_id}")
    steps.supplier.has(f"S-{order_id}", quantity=cards, cards=canary_cards(cards))
    return f"S-{order_id}"


# --- what belongs together ---


def test_i7_orders_and_their_trail_restored_together_hold(steps, backup):
    order_id = steps.stored_order(3)
    copies = backup()
    steps.reveal(order_id)
    change_order(order_id, status="damaged")
    copies.take_the_names()
    assert verified(order_id) is None
    assert store.find(order_id).status == Status.FULFILLED
    assert len(steps.reveal(order_id).cards) == 3
    assert verified(order_id) is None


def test_i7_orders_restored_without_their_trail_show(steps, backup):
    order_id = steps.stored_order(3)
    copies = backup()
    steps.reveal(order_id)
    chain_everything()
    copies.take_the_names("OrdersTable")
    seq = len(list(trail.read(order_id)))
    found = Break(seq, "more changes than the order knows")
    assert verified(order_id) == found
    change_order(order_id)
    assert verified(order_id) == replace(found, seq=seq + 1), "a change does not hide it"


def test_i7_a_trail_restored_without_its_orders_shows(steps, backup):
    order_id = steps.stored_order(3)
    chain_everything()
    copies = backup()
    version = store.find(order_id).version
    steps.reveal(order_id)
    copies.take_the_names("AuditTrailTable")
    lost = f"missing: what made the order's version {version + 1}"
    assert verified(order_id) == Break(version + 1, lost)


def test_i7_what_waited_then_is_chained_once_it_is_back(steps, backup):
    order_id = steps.stored_order(3)
    copies = backup()
    chain_everything()
    copies.take_the_names()
    assert audit.verify(order_id).unchained == 5
    assert stream.chain_leftovers(order_id) == stream.Leftovers(5, 0, more=False)
    assert verified(order_id) is None


@pytest.mark.parametrize("tables", [TOGETHER, ("GiftGuardsTable",), ("AuditTrailTable",)])
def test_i7_guards_and_the_trail_need_not_be_restored_together(steps, backup, tables):
    shop = GiftShop.open(steps.cloud.settings, steps.clock)
    card = shop.active("10.00")
    shop.do("resend-code", card["id"])

    def guess():
        with pytest.raises(GiftCardNotFound):
            shop.check_balance(card["cardNumber"], "000000")
        chain_everything()
        assert first_break(trail.read(card["id"]), head_of(card["id"])) is None

    guess()
    copies = backup()
    guess()
    copies.take_the_names(*tables)
    guess()


def test_i10_the_ledger_restored_alone_adds_up(cloud, clock, backup):
    shop = GiftShop.open(cloud.settings, clock)
    card = shop.active("10.00")
    copies = backup("GiftCardsTable")
    shop.redeem(card["id"], "4.00", key="till-1")
    copies.take_the_names()
    assert shop.verify() == []
    shop.redeem(card["id"], "4.00", key="till-1")
    assert shop.details(card["id"])["balance"] == 6
    assert shop.verify() == []


# --- what happened since stays happened ---


def test_i3_an_idempotency_key_used_since_buys_nothing_again(steps, backup, see_to):
    copies = backup()
    lost = steps.create("since").order_id
    steps.supplier.placing.append(SUPPLIER_ORDER)
    steps.place(lost)
    told, summary = see_to()
    assert told == {
        lost: [f"gone: it is younger than the backup; supplierOrderId {SUPPLIER_ORDER}"]
    }
    assert summary == "2 records carried over, 1 to see to"
    assert see_to()[1] == "0 records carried over, 1 to see to"
    copies.take_the_names()
    with pytest.raises(OrderNotFound):
        steps.create("since")
    assert len(steps.supplier.placed) == 1
    steps.clock.advance(hours=1)
    adopting = {"productId": None, "typeId": None, "quantity": None, "by": ADOPTER}
    with pytest.raises(SupplierOrderTaken):
        steps.create("adopted", supplierOrderId=SUPPLIER_ORDER, **adopting)
    UniquenessRecord(
        supplier_order_key(SUPPLIER_ORDER), RECORD_KEY
    ).delete()  # the runbook's command
    assert steps.create("adopted", supplierOrderId=SUPPLIER_ORDER, **adopting).order_id != lost


def test_the_cards_of_a_lost_order_are_stored_for_the_order_that_adopts_it(steps, backup, see_to):
    steps.supplier.is_sandbox = False
    copies = backup()
    lost = steps.create("lost", quantity=2).order_id
    steps.supplier.placing.append(SUPPLIER_ORDER)
    steps.supplier.has(SUPPLIER_ORDER, quantity=2, cards=canary_cards(2))
    steps.place(lost)
    steps.store(lost)
    see_to()
    copies.take_the_names()
    UniquenessRecord(supplier_order_key(SUPPLIER_ORDER), RECORD_KEY).delete()
    steps.clock.advance(hours=1)
    adopting = {"productId": None, "typeId": None, "quantity": None, "by": ADOPTER}
    adopted = steps.create("adopted", supplierOrderId=SUPPLIER_ORDER, **adopting).order_id
    steps.store(adopted)
    assert len(steps.reveal(adopted).cards) == 2


def test_i3_i4_an_order_bought_since_is_named_and_not_bought_again(steps, backup, see_to):
    order = steps.create("before")
    copies = backup()
    supplier_order_id = supplied(steps, order.order_id)
    steps.place(order.order_id)
    steps.store(order.order_id)
    told, _ = see_to()
    assert told[order.order_id] == [
        f"stored since: delete its data key, then redrive it; supplierOrderId {supplier_order_id}"
    ]
    copies.take_the_names()
    assert store.find(order.order_id).status == Status.RECEIVED
    DataKeyRecord(order.order_id).delete()
    steps.place(order.order_id, supplier_order_id=supplier_order_id)
    steps.store(order.order_id)
    assert [card for _, card in steps.reveal(order.order_id).cards] == list(canary_cards(3))
    assert len(steps.supplier.placed) == 1
    assert verified(order.order_id) is None


@pytest.mark.parametrize(
    ("since", "task"),
    [
        ("nothing", "perhaps bought since"),
        ("placed", "bought since: redrive it; supplierOrderId S-"),
        ("row lost", "perhaps bought since"),
    ],
)
def test_i3_an_order_not_bought_then_is_to_be_looked_up(steps, backup, see_to, since, task):
    order_id = steps.create("before").order_id
    backup()
    if since == "placed":
        supplied(steps, order_id)
        steps.place(order_id)
    if since == "row lost":
        store.find(order_id).delete()
    told, _ = see_to()
    assert [line for line in told[order_id] if line.startswith(task)]


def test_an_order_on_its_way_then_is_to_be_redriven(steps, backup, see_to):
    order_id = steps.create("before").order_id
    supplied(steps, order_id)
    steps.place(order_id)
    backup()
    assert see_to()[0] == {order_id: ["on its way: redrive it"]}


def test_i8_an_order_shredded_since_stays_shredded(steps, backup, see_to):
    order_id = steps.stored_order(3)
    copies = backup()
    shred_cards(order_id, caller())
    assert see_to()[0] == {order_id: ["shredded since: no card opens; shred it again"]}
    copies.take_the_names()
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)
    assert shred_cards(order_id, caller()).shredded_at
    assert verified(order_id) is None


def test_nothing_to_see_to_when_nothing_happened_since(steps, desk, backup, see_to):
    steps.stored_order(3)
    desk.mailed(key="mailed")
    backup()
    assert see_to() == ({}, "0 records carried over, 0 to see to")


def everything_in(cloud, tables):
    """All that lies in the tables, as one text."""
    dynamodb = cloud.client("dynamodb")
    found = []
    for table in tables:
        for page in dynamodb.get_paginator("scan").paginate(TableName=table):
            found += page["Items"]
    return repr(found)


def test_i8_what_backups_of_all_tables_hold_opens_nothing_and_erased_is_nowhere(
    steps, desk, backup, see_to, cloud
):
    live = cloud.client("dynamodb").list_tables()["TableNames"]
    backed_up = [name for name in live if name != "DataKeysTable"]
    order_id, _ = desk.claimed(email="ada@example.com", name="Ada Lovelace")
    steps.clock.advance(minutes=5)
    desk.resend(order_id, "ada@correct.example", caller(scopes="orders:correct"))
    salt, copies = store.find(order_id).hash_salt, backup(*backed_up)
    shred_cards(order_id, caller())
    erase_recipient(order_id, caller())
    chain_everything()
    personal = ("ada@example.com", "ada@correct.example", "Lovelace", salt)
    left = everything_in(cloud, live)
    assert [word for word in personal if word.lower() in left.lower()] == []
    copied = everything_in(cloud, [f"{name}-restored" for name in backed_up])
    assert "ada@correct.example" in copied, "until the backup ends"
    assert see_to()[0][order_id][0] == "erased since: erase its customer's address again"
    copies.take_the_names()
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)
    assert shred_cards(order_id, caller()).shredded_at
    erase_recipient(order_id, caller())
    assert verified(order_id) is None
    left = everything_in(cloud, live)
    assert [word for word in personal if word.lower() in left.lower()] == []


# --- links ---


def mailed_again(desk, order_id):
    desk.resend(order_id, None, caller())
    return ClaimRequest(desk.mailer.token(), None, ORIGIN)


def test_i5_a_link_used_since_opens_nothing_again(desk, backup, see_to):
    _, claim = desk.mailed()
    copies = backup()
    desk.send_code(claim)
    desk.redeem(claim, desk.mailer.code(), None)
    assert see_to()[0] == {}
    copies.take_the_names()
    with pytest.raises(LinkUnusable):
        desk.open(ClaimRequest(claim.token, None, ORIGIN))


def test_i5_a_link_that_the_restored_order_does_not_know_is_ended(steps, desk, backup, see_to):
    order_id, old = desk.mailed()
    copies = backup()
    steps.clock.advance(minutes=5)
    new = mailed_again(desk, order_id)
    told, _ = see_to()
    assert told == {order_id: ["its link was ended: mail it again"]}
    assert see_to()[0] == {}, "a second run changes nothing"
    copies.take_the_names()
    for claim in (old, new):
        with pytest.raises(LinkUnusable):
            desk.open(claim)
    steps.clock.advance(minutes=5)
    desk.open(mailed_again(desk, order_id))
    assert sum(link.state == State.LIVE for link in AccessLink.scan()) == 1


def test_an_empty_table_of_links_takes_a_new_mail(steps, desk):
    order_id, old = desk.mailed()
    for link in AccessLink.scan():
        link.delete()
    with pytest.raises(LinkUnusable):
        desk.open(old)
    steps.clock.advance(minutes=5)
    desk.open(mailed_again(desk, order_id))


def test_an_address_corrected_since_is_named_without_being_told(steps, desk, backup, see_to):
    order_id, _ = desk.mailed()
    backup()
    change_order(order_id, customer_email="eve@example.com")
    told, _ = see_to()
    assert told == {order_id: ["another address: correct its customer's address again"]}


def test_the_command_says_how_it_is_called(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["restored"])
    assert restoring.main() == 2
    assert "usage" in capsys.readouterr().err
