"""Mail: at most once per request, whatever SES does; and what its events change."""

import json
import socket
from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from pynamodb.exceptions import DoesNotExist, GetError

from cardvault import links
from cardvault.audit import trail
from cardvault.aws import boto_clients
from cardvault.core.clock import from_text
from cardvault.errors import (
    AddressSuppressed,
    Forbidden,
    MailNotSetUp,
    MailOutcomeUnknown,
    MailRefused,
    MailThrottled,
    MailUnavailable,
    OrderNotFound,
    OrderNotFulfilled,
    TooSoon,
    code_named,
)
from cardvault.fulfilment.outcome import record_failure, record_refund
from cardvault.links import Kind
from cardvault.mail.message import render
from cardvault.mail.resend import ResendEmail
from cardvault.mail.ses import Mailer
from cardvault.mail.suppression import is_suppressed
from cardvault.orders.records import ORDER_KEY, OrderRecord
from tests.support.doubles import caller
from tests.support.template import ROOT

EMAIL = render("refund", "en", shop="Shop", name=None, order_id="0" * 24)


def test_the_workflow_mails_the_link_and_notes_it(desk):
    order_id, claim = desk.mailed(name="Ada", shopName="Corner Shop")
    (to, shop, email) = desk.mailer.sent[0]
    assert (to, shop) == ("ada@example.com", "Corner Shop")
    assert "3 gift cards" in email.text
    assert links.find(Kind.CLAIM, claim.token).order_id == order_id
    order = desk.order(order_id)
    assert (order.email_status, order.mailing_at) == ("sent", None)
    assert desk.events(order_id)[-2:] == ["EMAIL_SENDING", "EMAIL_SENT"]


def test_i9_a_repeated_step_sends_nothing(desk):
    order_id, _ = desk.mailed()
    desk.order_mailer.deliver(order_id)
    assert desk.mailer.tries == 1


def test_where_customers_follow_the_link_is_known_before_the_intent_is_noted(desk):
    """What has surely not been sent must not wait for a person."""
    order_id = desk.steps.stored_for()
    unreadable = replace(desk.order_mailer, public_url=Mock(side_effect=TimeoutError))
    with pytest.raises(TimeoutError):
        unreadable.deliver(order_id)
    desk.order_mailer.deliver(order_id)
    assert len(desk.mailer.sent) == 1


def test_i9_a_crash_after_sending_is_told_and_not_mended_by_a_second_mail(desk, monkeypatch):
    order_id = desk.steps.stored_for()
    with monkeypatch.context() as crash:
        crash.setattr(type(desk.order_mailer), "_record_sent", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.order_mailer.deliver(order_id)
    for _ in range(3):
        with pytest.raises(MailOutcomeUnknown):
            desk.order_mailer.deliver(order_id)
    assert desk.mailer.tries == 1


def test_i9_an_unknown_outcome_goes_to_attention_and_keeps_the_cards(desk):
    order_id = desk.steps.stored_for()
    desk.mailer.outcomes = [MailOutcomeUnknown()]
    with pytest.raises(MailOutcomeUnknown):
        desk.order_mailer.deliver(order_id)
    order = record_failure(order_id, "MailOutcomeUnknown", clock=desk.clock)
    assert (order.status, order.attention_reason) == ("attention", "MAIL_OUTCOME_UNKNOWN")
    assert len(desk.steps.reveal(order_id).cards) == 3
    with pytest.raises(MailOutcomeUnknown):
        desk.order_mailer.deliver(order_id)
    assert desk.mailer.tries == 1


def test_a_person_settles_an_unknown_outcome_by_sending_again(desk):
    order_id = desk.steps.stored_for()
    desk.mailer.outcomes = [MailOutcomeUnknown()]
    with pytest.raises(MailOutcomeUnknown):
        desk.order_mailer.deliver(order_id)
    desk.clock.advance(seconds=30)
    order = desk.resend(order_id, None, caller())
    assert (order.status, order.attention_reason) == ("fulfilled", None)
    assert desk.order_mailer.deliver(order_id).emailed_at == order.emailed_at
    assert desk.mailer.tries == 2


@pytest.mark.parametrize("error", [MailThrottled, MailUnavailable, MailRefused])
def test_what_was_certainly_not_sent_may_be_sent_later(desk, error):
    order_id = desk.steps.stored_for()
    desk.mailer.outcomes = [error()]
    with pytest.raises(error):
        desk.order_mailer.deliver(order_id)
    assert desk.order(order_id).mailing_at is None
    desk.order_mailer.deliver(order_id)
    assert len(desk.mailer.sent) == 1
    assert desk.events(order_id)[-3:] == ["EMAIL_REFUSED", "EMAIL_SENDING", "EMAIL_SENT"]


def test_a_refund_is_told_without_a_link(desk):
    order_id = desk.steps.create(delivery={"email": "ada@example.com"}).order_id
    record_refund(order_id, clock=desk.clock)
    desk.order_mailer.deliver(order_id)
    email = desk.mailer.last("refund")
    assert "/claim" not in email.text + email.html
    assert desk.order(order_id).link_hash is None


def test_a_resend_kills_the_old_link_and_opens_a_new_one(desk):
    order_id, old = desk.mailed()
    desk.clock.advance(seconds=30)
    desk.resend(order_id, None, caller())
    assert links.find(Kind.CLAIM, old.token).state == "replaced"
    assert links.find(Kind.CLAIM, desk.mailer.token()).state == "live"
    assert desk.events(order_id)[-2:] == ["EMAIL_RESENT", "EMAIL_SENT"]


def test_i5_a_resend_ends_the_session_of_the_old_link(desk):
    order_id, claim = desk.claimed()
    desk.clock.advance(seconds=30)
    desk.resend(order_id, None, caller())
    with pytest.raises(Exception, match="cannot be used"):
        desk.reveal(claim, 0)


def test_resends_are_thirty_seconds_apart(desk):
    order_id, _ = desk.mailed()
    desk.clock.advance(seconds=29)
    with pytest.raises(TooSoon):
        desk.resend(order_id, None, caller())
    desk.clock.advance(seconds=1)
    desk.resend(order_id, None, caller())


def test_only_a_client_that_may_correct_sends_to_another_address(desk):
    order_id, _ = desk.mailed()
    desk.clock.advance(minutes=1)
    with pytest.raises(Forbidden, match="orders:correct"):
        desk.resend(order_id, "eve@example.com", caller(scopes="orders:write"))
    desk.resend(order_id, "ada@correct.example", caller(scopes="orders:correct"))
    assert desk.mailer.sent[-1][0] == "ada@correct.example"
    assert desk.order(order_id).customer_email == "ada@correct.example"
    assert "EMAIL_CORRECTED" in desk.events(order_id)


def test_i6_nobody_else_can_resend(desk):
    order_id, _ = desk.mailed()
    with pytest.raises(OrderNotFound):
        desk.resend(order_id, None, caller("mallory"))


def test_there_is_nothing_to_resend_before_there_are_cards(desk):
    order = desk.steps.create(delivery={"email": "ada@example.com"})
    with pytest.raises(OrderNotFulfilled):
        desk.resend(order.order_id, None, caller())


def ses_event(case, order_id, to="ada@example.com", mail_id=None, taken_at=None):
    """What SES tells of a mail: the order's latest unless another is named."""
    text = (ROOT / "events/mail/handle_email_event" / f"{case}.json").read_text()
    detail = json.loads(text.replace("ORDER_ID", order_id).replace("TO_ADDRESS", to))["detail"]
    detail["mail"]["tags"]["mail"] = [mail_id or latest(order_id)]
    detail["mail"]["timestamp"] = taken_at or detail["mail"]["timestamp"]
    return detail


def latest(order_id):
    try:
        return OrderRecord.get(order_id, ORDER_KEY).mail_id
    except (DoesNotExist, GetError):
        return "0123456789abcdef"


@pytest.mark.parametrize(
    ("case", "status", "told"),
    [
        ("delivery", "delivered", "EMAIL_DELIVERED"),
        ("bounce", "bounced", "EMAIL_BOUNCED"),
        ("complaint", "complained", "EMAIL_COMPLAINED"),
        ("reject", "rejected", "EMAIL_REJECTED"),
    ],
)
def test_what_became_of_the_mail_is_on_the_order_and_in_the_trail(desk, case, status, told):
    order_id, _ = desk.mailed()
    for _ in range(2):  # EventBridge may deliver an event twice
        desk.handle(ses_event(case, order_id))
    assert desk.order(order_id).email_status == status
    assert desk.events(order_id).count(told) == 1


@pytest.mark.parametrize("case", ["bounce", "complaint"])
def test_a_bad_address_is_left_alone_until_the_shop_gives_it_again(desk, case):
    order_id, _ = desk.mailed(key="key-1")
    desk.handle(ses_event(case, order_id))
    desk.clock.advance(minutes=1)
    with pytest.raises(AddressSuppressed):
        desk.resend(order_id, None, caller())
    later = desk.steps.stored_for(key="key-2", email="ADA@example.com")
    with pytest.raises(AddressSuppressed):
        desk.order_mailer.deliver(later)
    desk.resend(order_id, "ada@example.com", caller(scopes="orders:correct"))
    desk.order_mailer.deliver(later)
    assert desk.mailer.tries == 3


def test_a_full_mailbox_is_not_a_bad_address(desk):
    order_id, _ = desk.mailed()
    bounce = ses_event("bounce", order_id)
    bounce["bounce"] |= {"bounceType": "Transient", "bounceSubType": "MailboxFull"}
    desk.handle(bounce)
    desk.clock.advance(minutes=1)
    desk.resend(order_id, None, caller())
    reasons = [event.reason for event in trail.read_all(order_id) if event.event == "EMAIL_BOUNCED"]
    assert reasons == ["Transient/MailboxFull"]


@pytest.mark.parametrize("word", ["", "a b", "x\n", "\ud800", "a" * 41, ["abuse"], None])
def test_a_word_of_some_mail_server_is_not_recorded_as_it_comes(desk, word):
    order_id, _ = desk.mailed()
    complaint = ses_event("complaint", order_id)
    complaint["complaint"] |= {"complaintFeedbackType": word}
    desk.handle(complaint)
    (told,) = [event for event in trail.read_all(order_id) if event.event == "EMAIL_COMPLAINED"]
    assert told.reason == "unknown"


def test_the_bounce_of_an_address_corrected_since_changes_nothing(desk):
    order_id, _ = desk.mailed()
    desk.clock.advance(minutes=1)
    desk.resend(order_id, "ada@correct.example", caller(scopes="orders:correct"))
    desk.handle(ses_event("bounce", order_id))
    assert desk.order(order_id).email_status == "sent"
    assert desk.events(order_id)[-1] == "EMAIL_BOUNCED"


def test_a_late_delivery_does_not_hide_a_bounce(desk):
    order_id, _ = desk.mailed()
    for case in ("bounce", "delivery"):
        desk.handle(ses_event(case, order_id))
    assert desk.order(order_id).email_status == "bounced"


def test_a_resend_starts_a_mail_of_its_own(desk):
    order_id, _ = desk.mailed()
    old = desk.order(order_id).mail_id
    desk.clock.advance(minutes=1)
    desk.resend(order_id, None, caller())
    assert desk.order(order_id).mail_id != old
    desk.handle(ses_event("bounce", order_id, mail_id=old))
    assert desk.order(order_id).email_status == "sent"
    assert desk.events(order_id)[-1] == "EMAIL_BOUNCED"
    desk.handle(ses_event("delivery", order_id))
    assert desk.order(order_id).email_status == "delivered"


def test_the_mail_with_a_code_says_nothing_of_the_mail_with_the_link(desk):
    order_id, claim = desk.mailed()
    desk.send_code(claim)
    of_the_code = ses_event("delivery", order_id)
    del of_the_code["mail"]["tags"]["mail"]
    desk.handle(of_the_code)
    assert desk.order(order_id).email_status == "sent"


def test_an_event_that_comes_again_does_not_undo_a_correction(desk):
    """The address was given on purpose, so events of earlier e-mail count no more."""
    order_id, _ = desk.mailed()
    bounce = ses_event("bounce", order_id, taken_at="2026-01-02T03:04:06.000Z")
    desk.handle(bounce)
    desk.clock.advance(minutes=1)
    with pytest.raises(AddressSuppressed):
        desk.resend(order_id, None, caller())
    desk.resend(order_id, "ada@example.com", caller(scopes="orders:correct"))
    desk.handle(bounce)
    desk.handle(
        ses_event("complaint", order_id, mail_id="1" * 16, taken_at="2026-01-02T03:04:07.000Z")
    )
    assert not is_suppressed("a" * 24, "ada@example.com")
    desk.handle(ses_event("bounce", order_id))
    assert is_suppressed("a" * 24, "ada@example.com"), "but what is told of the mail after does"


def test_a_complaint_of_an_earlier_mail_to_the_same_address_still_counts(desk):
    order_id, _ = desk.mailed()
    old = desk.order(order_id).mail_id
    desk.clock.advance(minutes=1)
    desk.resend(order_id, None, caller())
    desk.handle(ses_event("complaint", order_id, mail_id=old))
    assert is_suppressed("a" * 24, "ada@example.com")
    assert desk.order(order_id).email_status == "sent"


@pytest.mark.parametrize("order_id", ["f" * 24, "not-an-id", ""])
def test_events_of_other_mail_are_let_pass(desk, order_id):
    assert desk.handle(ses_event("bounce", order_id)) is None


# --- SES itself


def mailer(cloud, **changes):
    given = {"ses": boto_clients.ses(), "sender": cloud.settings.mail_sender, "reply_to": ""}
    return Mailer(**{**given, "configuration_set": "mail", **changes})


def test_without_a_sender_nothing_is_sent_and_nothing_noted(desk):
    order_id, claim = desk.mailed()
    before = desk.events(order_id)
    desk.clock.advance(minutes=5)
    none = Mailer(None, "", "", "mail")
    order_mailer = replace(desk.order_mailer, mailer=none)
    with pytest.raises(MailNotSetUp):
        ResendEmail(order_mailer)(order_id, None, caller())
    with pytest.raises(MailNotSetUp):
        replace(desk.code_sender, mailer=none)(claim, "ada@example.com")
    with pytest.raises(MailNotSetUp):
        replace(desk.code_sender, mailer=none)(replace(claim, token="A" * 43), None)
    replace(desk.renew, order_mailer=order_mailer)(claim)  # tells nothing, as ever
    assert desk.events(order_id) == before


def test_a_workflow_that_may_not_mail_any_more_says_so(desk):
    order_id = desk.steps.stored_for()
    with pytest.raises(MailNotSetUp):
        replace(desk.order_mailer, mailer=Mailer(None, "", "", "mail")).deliver(order_id)
    assert code_named("MailNotSetUp") == "MAIL_NOT_SET_UP"
    assert desk.order(order_id).mailing_at is None


def send(with_mailer):
    with_mailer.send(EMAIL, to="ada@example.com", shop="Shop", order_id="0" * 24)


def test_ses_refusing_the_sender_is_final(cloud):
    with pytest.raises(MailRefused):
        send(mailer(cloud, sender="nobody@unverified.example"))


class FailingSes:
    def __init__(self, code, status):
        answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        self.error = ClientError(answer, "SendEmail")

    def send_email(self, **_):
        raise self.error


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("TooManyRequestsException", 429, MailThrottled),
        ("LimitExceededException", 400, MailThrottled),
        ("MessageRejected", 400, MailRefused),
        ("AccountSuspendedException", 400, MailRefused),
        ("SendingPausedException", 400, MailRefused),
        ("InternalServiceErrorException", 500, MailOutcomeUnknown),
        ("ServiceUnavailable", 503, MailOutcomeUnknown),
    ],
)
def test_what_ses_answers_says_whether_it_was_sent(cloud, code, status, expected):
    with pytest.raises(expected):
        send(mailer(cloud, ses=FailingSes(code, status)))


def ses_at(port):
    """A client with the product's own retry rule, against a port of this machine."""
    session = botocore.session.Session()
    rule = boto_clients._ONCE.merge(Config(connect_timeout=1, read_timeout=0.3))
    return session.create_client(
        "sesv2",
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=rule,
    )


def test_i9_ses_timing_out_is_unknown_and_asked_once(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = ses_at(server.getsockname()[1])
        with pytest.raises(MailOutcomeUnknown):
            send(Mailer(silent, "cards@shop.example", "", "mail"))
        server.settimeout(0.3)
        server.accept()
        with pytest.raises(TimeoutError):
            server.accept()


def test_ses_out_of_reach_sent_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = ses_at(server.getsockname()[1])
    with pytest.raises(MailUnavailable):
        send(Mailer(closed, "cards@shop.example", "", "mail"))


def test_the_link_dies_with_the_time_the_mail_names(desk):
    _, claim = desk.mailed()
    assert links.find(Kind.CLAIM, claim.token).expires_at == "2026-01-09T03:04:05.000Z"
    assert desk.order_mailer.link_lifetime == timedelta(days=7)
    assert "9 January 2026, 03:04 UTC" in desk.mailer.last("delivery").text


def test_a_link_is_purged_a_month_after_its_end(desk):
    _, claim = desk.mailed()
    link = links.find(Kind.CLAIM, claim.token)
    assert link.purge_at == from_text(link.expires_at) + timedelta(days=30)
