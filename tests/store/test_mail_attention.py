"""Mail that was not sent shows on its order, whatever kept it, and is settled by mail that was."""

import pytest

from cardvault.errors import (
    AddressSuppressed,
    MailOutcomeUnknown,
    MailRefused,
    MailThrottled,
    MailUnavailable,
    code_named,
)
from cardvault.fulfilment.outcome import MAIL_STEP, record_failure, record_refund
from cardvault.mail.suppression import suppression
from cardvault.orders.erase import erase_recipient
from cardvault.orders.shred import shred_cards
from tests.support.doubles import caller
from tests.support.errors import declared
from tests.support.template import ROOT

# What its function lets out, what any function may die of, and what AWS says in its place.
OF_THE_FUNCTION = sorted(declared(ROOT / "functions/mail/send_delivery_email/app.py"))
OF_ANY = ["AwsUnavailable", "InternalError", "KeyError"]
OF_AWS = [
    "States.Timeout",
    "Sandbox.Timedout",
    "Lambda.Unknown",
    "Lambda.TooManyRequestsException",
    "Runtime.ExitError",
    "Runtime.OutOfMemory",
    "States.Runtime",
]
ENDINGS = ["fulfilled", "partially_filled", "refunded"]


@pytest.fixture
def ended(desk):
    """An order that ended well, whose mail is still to be sent."""

    def ending(status, key="key-1"):
        steps, recipient = desk.steps, {"email": "ada@example.com"}
        if status == "fulfilled":
            return steps.stored_for(key=key)
        order_id = steps.create(key, quantity=4, delivery=recipient).order_id
        steps.supplier.placing.append(f"S-{order_id}")
        steps.place(order_id)
        if status == "refunded":
            steps.supplier.has(f"S-{order_id}", "REFUNDED", quantity=4, cards=())
            record_refund(order_id, clock=desk.clock)
        else:
            steps.supplier.has(f"S-{order_id}", "PARTIALLY_FILLED", quantity=4)
            steps.store(order_id)
        return order_id

    return ending


def mail_failed(desk, order_id, name):
    return record_failure(order_id, name, step=MAIL_STEP, clock=desk.clock)


def test_the_errors_that_mail_can_meet_are_all_here():
    assert {"MailRefused", "AddressSuppressed", "NoRecipient"} <= set(OF_THE_FUNCTION)


@pytest.mark.parametrize("status", ENDINGS)
@pytest.mark.parametrize("name", [*OF_THE_FUNCTION, *OF_ANY, *OF_AWS])
def test_whatever_kept_the_mail_is_told_and_settled_by_a_resend(desk, ended, status, name):
    order_id = ended(status)
    order = mail_failed(desk, order_id, name)
    assert (order.status, order.attention_reason) == ("attention", code_named(name))
    if status != "refunded":
        assert len(desk.steps.reveal(order_id).cards) == 3
    desk.resend(order_id, None, caller())
    order = desk.order(order_id)
    assert (order.status, order.attention_reason, order.attention_at) == (status, None, None)
    assert order.email_status == "sent"


@pytest.mark.parametrize("status", ENDINGS)
@pytest.mark.parametrize("error", [MailRefused, MailThrottled, MailUnavailable])
def test_a_redrive_settles_it_too(desk, ended, status, error):
    order_id = ended(status)
    desk.mailer.outcomes = [error()]
    with pytest.raises(error):
        desk.order_mailer.deliver(order_id)
    assert desk.order(order_id).status == status, "the workflow tries again by itself"
    mail_failed(desk, order_id, error.__name__)
    assert desk.steps.place(order_id).status == status
    assert desk.order_mailer.deliver(order_id).email_status == "sent"
    assert (desk.order(order_id).status, len(desk.mailer.sent)) == (status, 1)


@pytest.mark.parametrize("status", ENDINGS)
def test_a_suppressed_address_is_told_and_settled_by_a_correction(desk, ended, status):
    order_id = ended(status)
    suppression("a" * 24, "ada@example.com", "bounced", "2026-01-02T03:04:05.000Z").save()
    with pytest.raises(AddressSuppressed):
        desk.order_mailer.deliver(order_id)
    assert mail_failed(desk, order_id, "AddressSuppressed").attention_reason == "ADDRESS_SUPPRESSED"
    with pytest.raises(AddressSuppressed):
        desk.resend(order_id, None, caller())
    assert desk.order(order_id).status == "attention"
    desk.resend(order_id, "ada@correct.example", caller(scopes="orders:correct"))
    assert desk.order(order_id).status == status
    assert desk.mailer.sent[-1][0] == "ada@correct.example"


@pytest.mark.parametrize("name", ["MailRefused", "MailOutcomeUnknown", "AwsUnavailable"])
def test_a_slower_execution_does_not_flip_an_order_that_was_mailed(desk, ended, name):
    order_id = ended("fulfilled")
    desk.order_mailer.deliver(order_id)
    before = desk.events(order_id)
    assert mail_failed(desk, order_id, name).status == "fulfilled"
    assert desk.events(order_id) == before


@pytest.mark.parametrize("status", ENDINGS)
@pytest.mark.parametrize("name", ["FulfilmentOverdue", "SupplierUnavailable", "States.Timeout"])
def test_nor_does_one_that_failed_earlier_than_the_mail(desk, ended, status, name):
    order_id = ended(status)
    assert record_failure(order_id, name, clock=desk.clock).status == status
    mail_failed(desk, order_id, "MailRefused")
    assert record_failure(order_id, name, clock=desk.clock).attention_reason == "MAIL_REFUSED"


@pytest.mark.parametrize("name", ["StoredCardsDiffer", "PlacementDuplicated"])
def test_what_is_wrong_with_the_cards_stays_told_whatever_becomes_of_the_mail(desk, ended, name):
    order_id = ended("fulfilled")
    reason = record_failure(order_id, name, clock=desk.clock).attention_reason
    assert mail_failed(desk, order_id, "MailRefused").attention_reason == reason
    desk.mailer.outcomes = [MailOutcomeUnknown()]
    with pytest.raises(MailOutcomeUnknown):
        desk.resend(order_id, None, caller())
    assert desk.order(order_id).attention_reason == reason
    desk.clock.advance(minutes=1)
    desk.resend(order_id, None, caller())
    assert desk.order(order_id).attention_reason == reason


@pytest.mark.parametrize("error", [MailRefused, MailThrottled, MailUnavailable])
def test_a_resend_that_was_not_sent_shows_though_the_old_link_works(desk, error):
    order_id, _ = desk.mailed()
    desk.clock.advance(minutes=1)
    desk.mailer.outcomes = [error()]
    with pytest.raises(error):
        desk.resend(order_id, None, caller())
    order = desk.order(order_id)
    assert (order.status, order.attention_reason) == ("attention", error.code)
    assert order.emailed_at is None
    desk.steps.place(order_id)
    assert desk.order_mailer.deliver(order_id).status == "fulfilled"
    assert len(desk.mailer.sent) == 2


def test_a_renewal_that_was_not_sent_shows(desk):
    order_id, claim = desk.claimed()
    desk.clock.advance(minutes=1)
    desk.mailer.outcomes = [MailRefused()]
    desk.renew(claim)
    assert desk.order(order_id).attention_reason == "MAIL_REFUSED"


def test_cards_that_were_shredded_need_no_mail(desk, ended):
    order_id = ended("fulfilled")
    shred_cards(order_id, caller(), clock=desk.clock)
    assert desk.order_mailer.deliver(order_id).emailed_at is None
    assert mail_failed(desk, order_id, "States.Timeout").status == "fulfilled"
    assert desk.mailer.tries == 0


def test_a_customer_who_was_erased_meanwhile_needs_no_mail(desk, ended):
    order_id = ended("fulfilled")
    desk.steps.reveal(order_id)
    erase_recipient(order_id, caller(), clock=desk.clock)
    assert desk.order_mailer.deliver(order_id).emailed_at is None
    assert desk.order(order_id).attention_reason is None
    assert desk.mailer.tries == 0


def test_polls_that_are_used_up_are_an_overdue_fulfilment(desk):
    order = desk.steps.create()
    failed = record_failure(order.order_id, "OrderPending", clock=desk.clock)
    assert failed.attention_reason == "FULFILMENT_OVERDUE"
