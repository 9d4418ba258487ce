"""I11: what one table alone says opens nothing, and what was changed behind our back shows."""

import hashlib
from datetime import timedelta

import pytest

from cardvault import links
from cardvault.claims.claim import ClaimRequest
from cardvault.core.clock import to_text
from cardvault.errors import CannotOpen, LinkUnusable
from cardvault.links import Kind, State
from cardvault.orders import store
from cardvault.orders.records import OrderRecord
from cardvault.sealing.store import DataKeyRecord
from tests.support.chaining import verified
from tests.support.delivery import ORIGIN
from tests.support.doubles import caller

SESSION = "e" * 64
USES = {
    "open": lambda desk, claim: desk.open(claim),
    "code": lambda desk, claim: desk.send_code(claim),
    "redeem": lambda desk, claim: desk.redeem(claim, "123456", None),
    "reveal": lambda desk, claim: desk.reveal(claim, 0),
    "download": lambda desk, claim: desk.create.for_claimant(claim, "txt"),
}


def forged(desk, order_id, **attributes):
    """A claim with a link that somebody wrote into the table, and nowhere else."""
    token, link = links.make(
        Kind.CLAIM, order_id, now=desk.clock(), lifetime=timedelta(days=7), **attributes
    )
    link.save()
    return ClaimRequest(token, SESSION, ORIGIN)


def used_by_me(desk):
    """The attributes of a link that the session SESSION has claimed."""
    return {
        "state": State.USED,
        "used_at": to_text(desk.clock()),
        "session_hash": hashlib.sha256(SESSION.encode()).hexdigest(),
    }


@pytest.mark.parametrize("mailed", [True, False])
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("attributes", [lambda _: {}, used_by_me], ids=["live", "used"])
def test_i11_a_link_that_its_order_does_not_name_opens_nothing(
    desk, use, attributes, mailed, capsys
):
    order_id = desk.mailed()[0] if mailed else desk.steps.stored_order(3)
    claim = forged(desk, order_id, **attributes(desk))
    capsys.readouterr()
    with pytest.raises(LinkUnusable):
        USES[use](desk, claim)
    assert '"ForgedRecord":[1.0]' in capsys.readouterr().out
    assert desk.events(order_id)[-1] == "CLAIM_REFUSED"


@pytest.mark.parametrize("attributes", [lambda _: {}, used_by_me], ids=["live", "used"])
def test_i11_nor_is_it_renewed(desk, attributes):
    order_id, _ = desk.mailed()
    claim = forged(desk, order_id, **attributes(desk))
    desk.clock.advance(days=8)
    desk.renew(claim)
    assert len(desk.mailer.sent) == 1


@pytest.mark.parametrize("use", USES)
def test_a_link_of_an_order_that_is_not_there_is_answered_as_any_other(desk, use):
    with pytest.raises(LinkUnusable):
        USES[use](desk, forged(desk, "0" * 24, **used_by_me(desk)))


CHANGES = {
    "owner": {"user_id": "mallory"},
    "protection": {"protection": "none"},
    "passcode": {"protection": "passcode", "passcode_hash": b"h" * 48},
    "address": {"customer_email": "mallory@example.com"},
    "link": {"link_hash": "0" * 64},
    "cards": {"fulfilled_quantity": 2},
    "salt": {"hash_salt": None},
}


def changed_behind_our_back(order_id, changes):
    order = store.find(order_id)
    for name, value in changes.items():
        setattr(order, name, value)
    order.save()


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_i7_an_order_that_was_changed_outside_its_trail_is_found(desk, changes):
    order_id, _ = desk.claimed()
    assert verified(order_id) is None
    changed_behind_our_back(order_id, changes)
    assert verified(order_id).why == "the order is not as its last change left it"


@pytest.mark.parametrize("name", ["owner", "protection", "passcode"])
def test_i2_cards_do_not_open_for_another_owner_or_with_less_protection(desk, name):
    order_id, claim = desk.claimed()
    desk.reveal(claim, 0)
    changed_behind_our_back(order_id, CHANGES[name])
    with pytest.raises(CannotOpen):
        desk.reveal(claim, 0)
    with pytest.raises(CannotOpen):
        desk.steps.reveal(order_id, by=caller(store.find(order_id).user_id))


def test_i2_a_key_does_not_open_as_one_that_is_bound_to_nobody(desk):
    order_id, _ = desk.claimed()
    DataKeyRecord(order_id).update([DataKeyRecord.access_hash.remove()])
    changed_behind_our_back(order_id, CHANGES["owner"])
    with pytest.raises(CannotOpen):
        desk.steps.reveal(order_id, by=caller("mallory"))


def test_i7_a_hash_cannot_be_guessed_without_the_salt_and_every_order_has_its_own(desk):
    orders = [store.find(desk.steps.stored_order(1, key)) for key in ("one", "two")]
    assert len({order.hash_salt for order in orders}) == 2
    assert all(len(bytes.fromhex(order.hash_salt)) == 16 for order in orders)
    without = [OrderRecord(**{**order.attribute_values, "hash_salt": None}) for order in orders]
    assert [order.hash_with({}) for order in without] == [None, None]
