"""What crash injection is for: a protection that is taken out shows."""

import contextlib
import uuid

import pytest

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.errors import CardvaultError
from cardvault.fulfilment.place import PlaceOrder
from cardvault.giftcards.ledger.idempotency import IdempotentRequest
from cardvault.mail.send import OrderMailer
from cardvault.orders import store
from cardvault.orders.store import Edit
from tests.roles.scenarios import SCENARIOS
from tests.support.crashing import CrashingStage
from tests.support.stage import staged


def mail_without_a_look(mailer, order_id):
    edit = Edit(store.find(order_id), mailer.clock())
    sent = edit.order.emailed_at is not None
    return None if sent else mailer.prepare(edit, Event(EventName.EMAIL_SENDING, method="email"))


def place_without_a_look(place, order_id, attempt, _):
    edit = Edit(store.find(order_id), place.clock())
    if edit.order.supplier_order_id is None:
        edit.commit(Event(EventName.ORDER_PLACING), placing_at=edit.timestamp)
    return edit.order


ANOTHER_EACH_TIME = property(lambda _: uuid.uuid4().hex)


@pytest.mark.parametrize(
    ("scenario", "where", "name", "instead", "found"),
    [
        ("telling_of_refunds", OrderMailer, "_prepare_delivery", mail_without_a_look, "mailed"),
        ("looking", PlaceOrder, "_note_intent", place_without_a_look, "bought"),
        ("gift_cards_spending", IdempotentRequest, "sort_key", ANOTHER_EACH_TIME, "'balance'"),
    ],
)
def test_a_protection_that_is_taken_out_is_missed(
    monkeypatch, scenario, where, name, instead, found
):
    with staged(CrashingStage) as stage:
        monkeypatch.setattr(where, name, instead)
        # It may go wrong in other ways too, and then the scenario breaks off.
        with contextlib.suppress(AssertionError, CardvaultError):
            SCENARIOS[scenario](stage)
    by_itself = [one.difference for one in stage.findings if one.settled is None]
    assert any(found in difference for difference in by_itself)
