"""Erasing whom an order was for: by one request, for good, and with a trail that still holds."""

import pytest

from cardvault.audit import trail
from cardvault.aws.unit_of_work import actions_of
from cardvault.errors import (
    CardsShredded,
    IdempotencyKeyReused,
    NoRecipient,
    OrderNotFound,
    RecipientNeeded,
)
from cardvault.fulfilment.uniqueness import find_record, idempotency_record_key
from cardvault.orders import store
from cardvault.orders.erase import erase_recipient
from cardvault.orders.records import ORDER_KEY, OrderRecord
from cardvault.orders.shred import shred_cards
from tests.support import by_hand
from tests.support.chaining import chain_everything, verified
from tests.support.doubles import caller
from tests.support.orders import change_order

ADA = {"email": "ada@example.com", "name": "Ada Lovelace"}
ADA_STORED = {"customer_email": ADA["email"], "customer_name": ADA["name"]}


def erase(steps, order_id, by=None):
    return erase_recipient(order_id, by or caller(), clock=steps.clock)


def idempotency_record(key):
    return find_record(idempotency_record_key(caller(), key))


def behind_the_trail(order_id, **attributes):
    """Change an order as no function of ours does."""
    OrderRecord(order_id, ORDER_KEY).update(actions_of(OrderRecord, attributes))


def reported(desk, order_id, kind):
    """What SES tells of the order's present mail."""
    order = desk.order(order_id)
    tags = {"orderId": [order_id], "mail": [order.mail_id]}
    bounce = {"bounceType": "Permanent", "bounceSubType": "General"}
    mail = {"destination": [ADA["email"]], "tags": tags}
    desk.handle({"eventType": kind, "bounce": bounce, "mail": mail})


def test_a_delivered_order_forgets_its_customer_and_keeps_its_counts(steps, desk):
    order_id, _ = desk.claimed(**ADA)
    before = store.find(order_id)
    steps.clock.advance(hours=1)
    erased = erase(steps, order_id)
    assert (erased.customer_email, erased.customer_name) == (None, None)
    after = store.find(order_id)
    assert {"customerEmail", "customerName"}.isdisjoint(after.fields())
    assert after.erased_at == "2026-01-02T04:04:05.000Z"
    gone = {"customerEmail", "customerName"}
    changed = {"erasedAt", "hashSalt", "updatedAt", "version"}
    for name, value in before.fields().items():
        assert name in gone | changed or after.fields()[name] == value
    assert steps.events(order_id)[-1] == "RECIPIENT_ERASED"
    (event,) = (one for one in trail.read_all(order_id) if one.event == "RECIPIENT_ERASED")
    assert (event.user_id, event.reason) == ("alice", None)
    assert len(steps.reveal(order_id).cards) == 3, "the cards stay"


def test_a_repeat_changes_nothing(steps):
    order_id = steps.stored_for(**ADA)
    steps.reveal(order_id)
    first = erase(steps, order_id)
    steps.clock.advance(hours=1)
    assert erase(steps, order_id).erased_at == first.erased_at
    assert store.find(order_id).version == first.version
    assert steps.events(order_id).count("RECIPIENT_ERASED") == 1


def test_i7_the_trail_holds_after_the_erasure_and_still_tells_of_changes(steps):
    order_id = steps.stored_for(**ADA)
    steps.reveal(order_id)
    chain_everything()
    erase(steps, order_id)
    assert verified(order_id) is None
    shred_cards(order_id, caller())
    assert verified(order_id) is None, "what is written afterwards builds on it"
    behind_the_trail(order_id, user_id="mallory")
    assert "not as its last change left it" in str(verified(order_id))


def test_i7_an_order_whose_erasure_is_missing_in_the_trail_shows(steps):
    order_id = steps.stored_for(**ADA)
    steps.reveal(order_id)
    behind_the_trail(order_id, customer_email=None, customer_name=None, hash_salt=None)
    assert "not as its last change left it" in str(verified(order_id))


def test_an_order_of_a_former_release_is_erased_too(steps):
    order_id = steps.stored_for(**ADA)
    steps.reveal(order_id)
    change_order(order_id, hash_salt=None)
    erase(steps, order_id)
    assert verified(order_id) is None
    assert not store.find(order_id).names_recipient


def test_the_idempotency_record_tells_no_address_to_those_who_guess_it(steps):
    """What was requested is kept as a hash under the order's salt, and the salt is gone."""
    order_id = steps.stored_for(key="key-1", **ADA)
    salt, kept = store.find(order_id).hash_salt, idempotency_record("key-1").request_hash
    steps.reveal(order_id)
    erase(steps, order_id)
    assert idempotency_record("key-1").request_hash == kept
    wanted = {"productId": "P1", "typeId": "T1", "quantity": 3, "delivery": ADA}
    text = by_hand.order_text(wanted, idempotency_record("key-1").key)
    assert kept == by_hand.request_hash(text, salt), "with the salt a guess is confirmed"
    known = (None, store.find(order_id).hash_salt)
    assert kept not in [by_hand.request_hash(text, other) for other in known]


def test_i3_the_key_of_an_erased_order_buys_nothing_again(steps):
    order_id = steps.stored_for(key="key-1", **ADA)
    steps.reveal(order_id)
    assert steps.create("key-1", delivery=ADA).order_id == order_id
    erase(steps, order_id)
    for delivery in (ADA, None):
        with pytest.raises(IdempotencyKeyReused):
            steps.create("key-1", delivery=delivery)


def test_no_hash_in_the_trail_tells_the_address_to_those_who_guess_it(steps, cloud):
    """To try addresses one needs the salt that the order had when an event was written."""
    order_id = steps.stored_for(**ADA)
    salt = store.find(order_id).hash_salt
    steps.reveal(order_id)
    known = [event.order_hash for event in trail.read_all(order_id) if event.order_hash]
    assert store.find(order_id).hash_with(ADA_STORED) in known, "with the salt a guess is confirmed"
    erase(steps, order_id)
    left = store.find(order_id)
    former = {**ADA_STORED, "erased_at": None}
    assert left.hash_with({**former, "hash_salt": salt}) in known
    assert left.hash_with(former) not in known
    for table in cloud.client("dynamodb").list_tables()["TableNames"]:
        assert salt not in str(cloud.client("dynamodb").scan(TableName=table)["Items"]), table


@pytest.mark.parametrize(
    "moment", ["claimed_at", "first_revealed_at", "downloaded_at", "shredded_at"]
)
def test_it_is_needless_once_the_cards_came_or_went(moment):
    order = OrderRecord("a" * 24, stored_at="2026-01-02T03:04:05.000Z", **ADA_STORED)
    assert order.recipient_needless_since is None
    setattr(order, moment, "2026-01-03T03:04:05.000Z")
    assert order.recipient_needless_since == "2026-01-03T03:04:05.000Z"


def test_what_is_still_needed_is_refused(steps, desk):
    waiting = steps.create("waiting", delivery=ADA).order_id
    mailed, _ = desk.mailed(key="mailed", **ADA)
    for order_id in (waiting, mailed):
        with pytest.raises(RecipientNeeded):
            erase(steps, order_id)
        assert store.find(order_id).customer_email == ADA["email"]
    shred_cards(mailed, caller())
    assert erase(steps, mailed).erased_at


def test_the_address_of_a_refund_is_needed_until_it_was_told(steps):
    told = {"fulfilled_quantity": 0, **ADA_STORED}
    refunded = OrderRecord("a" * 24, **told)
    assert refunded.recipient_needless_since is None
    refunded.emailed_at = "2026-01-03T03:04:05.000Z"
    assert refunded.recipient_needless_since == "2026-01-03T03:04:05.000Z"
    with_cards = OrderRecord("a" * 24, stored_at="2026-01-02T03:04:05.000Z", **ADA_STORED)
    with_cards.emailed_at = "2026-01-03T03:04:05.000Z"
    assert with_cards.recipient_needless_since is None, "sent is not delivered"


def test_i6_it_is_for_the_owner_and_an_attempt_is_in_the_trail(steps):
    order_id = steps.stored_for(**ADA)
    steps.reveal(order_id)
    for other in (caller("bob"), caller(tenant_id="b" * 24)):
        with pytest.raises(OrderNotFound):
            erase(steps, order_id, by=other)
    assert steps.events(order_id)[-2:] == ["ERASE_REFUSED"] * 2
    with pytest.raises(OrderNotFound):
        erase(steps, "f" * 24)
    assert store.find(order_id).names_recipient


def test_an_order_that_never_named_anybody_says_so(steps):
    order_id = steps.stored_order()
    with pytest.raises(NoRecipient):
        erase(steps, order_id)


def test_nothing_is_mailed_any_more_until_the_shop_gives_an_address(steps, desk):
    order_id, claim = desk.claimed(**ADA)
    erase(steps, order_id)
    steps.clock.advance(minutes=5)
    with pytest.raises(NoRecipient):
        desk.resend(order_id, None, caller())
    sent = len(desk.mailer.sent)
    desk.renew(claim)
    assert len(desk.mailer.sent) == sent
    desk.resend(order_id, "ada@new.example", caller(scopes="orders:correct"))
    assert store.find(order_id).customer_email == "ada@new.example"
    assert erase(steps, order_id).customer_email is None, "and it is erased again"
    assert verified(order_id) is None


def test_what_ses_reports_afterwards_brings_no_address_back(steps, desk, cloud):
    order_id, _ = desk.claimed(**ADA)
    erase(steps, order_id)
    for kind in ("Bounce", "Delivery"):
        reported(desk, order_id, kind)
    assert steps.events(order_id)[-2:] == ["EMAIL_BOUNCED", "EMAIL_DELIVERED"]
    assert verified(order_id) is None
    assert ADA["email"] not in str(cloud.client("dynamodb").scan(TableName="OrdersTable"))


def test_shredding_and_erasing_do_not_depend_on_each_other(steps):
    order_id = steps.stored_for(**ADA)
    shred_cards(order_id, caller())
    erase(steps, order_id)
    with pytest.raises(CardsShredded):
        steps.reveal(order_id)
    assert verified(order_id) is None
