"""Totals of e-mail and of wrong codes: what counts, what is given back, and what ends them."""

import pytest

from cardvault import links
from cardvault.audit import trail
from cardvault.claims.claim import ClaimRequest
from cardvault.errors import (
    ClaimLocked,
    LinkUnusable,
    MailOutcomeUnknown,
    MailRefused,
    MailThrottled,
    MailUnavailable,
    TooManyMails,
    TooSoon,
    WrongCode,
)
from cardvault.links import Kind
from cardvault.mail import daily_totals
from cardvault.mail.daily_totals import MOST_MAILS_ABOUT_AN_ORDER, MailsToAddress
from cardvault.orders.shred import shred_cards
from tests.support.delivery import ORIGIN
from tests.support.doubles import caller

UNTIL_MIDNIGHT_S = 75_355 + 1  # the clock of these tests stands at 03:04:05
NOT_SENT = [MailRefused, MailThrottled, MailUnavailable]
PASSCODE = {"protection": "passcode", "passcode": "river-stone"}


def latest(desk):
    return ClaimRequest(desk.mailer.token(), None, ORIGIN)


def state(claim):
    return links.find(Kind.CLAIM, claim.token).state


def mails_to_ada():
    (counted,) = MailsToAddress.scan(MailsToAddress.key.startswith("MAILS#"))
    return counted.sent


def failing(desk, error, act):
    desk.mailer.outcomes = [error()]
    with pytest.raises(error):
        act()


# --- how many


def test_mail_about_an_order_ends_after_ten_whatever_asks_for_it(desk):
    order_id, claim = desk.mailed()
    for _ in range(4):
        desk.clock.advance(seconds=30)
        desk.send_code(claim)
    for _ in range(MOST_MAILS_ABOUT_AN_ORDER - 5):
        desk.clock.advance(seconds=30)
        desk.resend(order_id, None, caller())
    assert len(desk.mailer.sent) == MOST_MAILS_ABOUT_AN_ORDER
    before = desk.events(order_id)
    desk.clock.advance(seconds=30)
    with pytest.raises(TooManyMails) as refused:
        desk.resend(order_id, None, caller())
    with pytest.raises(TooManyMails):
        desk.send_code(latest(desk))
    with pytest.raises(TooManyMails):
        desk.resend(order_id, "eve@example.com", caller(scopes="orders:correct"))
    assert len(desk.mailer.sent) == MOST_MAILS_ABOUT_AN_ORDER
    assert desk.events(order_id) == before
    assert refused.value.code == "TOO_MANY_MAILS"
    desk.clock.advance(seconds=refused.value.retry_after_s)
    desk.resend(order_id, None, caller())
    assert desk.order(order_id).mails == 1


def test_retry_after_is_the_rest_of_the_day(desk, monkeypatch):
    monkeypatch.setattr(daily_totals, "MOST_MAILS_ABOUT_AN_ORDER", 1)
    order_id, _ = desk.mailed()
    desk.clock.advance(minutes=1)
    with pytest.raises(TooManyMails) as refused:
        desk.resend(order_id, None, caller())
    assert refused.value.retry_after_s == UNTIL_MIDNIGHT_S - 60


def test_mail_to_an_address_ends_too_however_many_orders_name_it(desk, monkeypatch):
    monkeypatch.setattr(daily_totals, "MOST_MAILS_TO_AN_ADDRESS", 3)
    for number in range(3):
        desk.mailed(key=f"key-{number}", email="Ada@example.com" if number else "ada@example.com")
    fourth = desk.steps.stored_for(key="key-4")
    with pytest.raises(TooManyMails):
        desk.order_mailer.deliver(fourth)
    assert desk.order(fourth).mailing_at is None
    desk.clock.advance(days=1)
    assert desk.order_mailer.deliver(fourth).emailed_at
    assert mails_to_ada() == 1


def test_a_renewal_counts_and_tells_nothing(desk, monkeypatch):
    monkeypatch.setattr(daily_totals, "MOST_MAILS_ABOUT_AN_ORDER", 2)
    _, claim = desk.claimed()
    desk.clock.advance(minutes=11)
    desk.renew(claim)
    assert len(desk.mailer.sent) == 2
    assert state(claim) == "used"


def test_the_trail_has_who_asked_for_a_renewal(desk):
    order_id, claim = desk.claimed()
    desk.clock.advance(minutes=11)
    desk.renew(claim)
    (renewed,) = (told for told in trail.read_all(order_id) if told.event == "EMAIL_RENEWED")
    assert {"ip_address": renewed.ip_address, "user_agent": renewed.user_agent} == ORIGIN


# --- what failed is given back


@pytest.mark.parametrize("error", NOT_SENT)
def test_mail_that_was_certainly_not_sent_leaves_the_old_link_and_counts_nothing(desk, error):
    order_id, claim = desk.mailed()
    desk.clock.advance(minutes=1)
    failing(desk, error, lambda: desk.resend(order_id, None, caller()))
    order = desk.order(order_id)
    assert (order.mails, mails_to_ada()) == (1, 1)
    assert order.link_hash == links.hash_token(claim.token)
    desk.send_code(claim)
    assert desk.redeem(claim, desk.mailer.code(), None)


def test_a_session_goes_on_when_the_mail_was_not_sent(desk):
    order_id, claim = desk.claimed()
    desk.clock.advance(minutes=1)
    failing(desk, MailThrottled, lambda: desk.resend(order_id, None, caller()))
    assert desk.reveal(claim, 0).cards


def test_a_renewal_that_ses_refused_can_be_asked_for_again(desk):
    _, claim = desk.claimed()
    desk.clock.advance(minutes=11)
    before = desk.mailer.tries
    desk.mailer.outcomes = [MailThrottled()]
    desk.renew(claim)
    desk.renew(claim)
    assert desk.mailer.tries == before + 1, "half a minute later, not at once"
    assert state(claim) == "used"
    desk.clock.advance(seconds=30)
    desk.renew(claim)
    assert desk.open(latest(desk))


def test_the_link_that_was_not_sent_opens_nothing(desk, monkeypatch):
    order_id, _ = desk.mailed()
    tokens, make = [], links.make

    def noting(*given, **more):
        token, link = make(*given, **more)
        tokens.append(token)
        return token, link

    monkeypatch.setattr(links, "make", noting)
    desk.clock.advance(minutes=1)
    failing(desk, MailRefused, lambda: desk.resend(order_id, None, caller()))
    with pytest.raises(LinkUnusable):
        desk.open(ClaimRequest(tokens[0], None, ORIGIN))


def test_what_may_have_been_sent_counts_and_ends_the_old_link(desk):
    order_id, claim = desk.mailed()
    desk.clock.advance(minutes=1)
    failing(desk, MailOutcomeUnknown, lambda: desk.resend(order_id, None, caller()))
    assert (desk.order(order_id).mails, mails_to_ada()) == (2, 2)
    with pytest.raises(LinkUnusable):
        desk.open(claim)


def test_a_message_of_yesterday_is_not_given_back_today(desk):
    order_id, _ = desk.mailed()
    desk.clock.advance(minutes=1)
    prepared = desk.resend._prepare(order_id, None, caller())
    desk.clock.advance(days=1)
    desk.mailer.outcomes = [MailRefused()]
    with pytest.raises(MailRefused):
        desk.order_mailer.send(prepared)
    desk.clock.advance(minutes=1)
    desk.resend(order_id, None, caller())
    assert (desk.order(order_id).mails, mails_to_ada()) == (1, 1)


def test_the_shop_need_not_wait_to_send_again_what_was_not_sent(desk):
    order_id, _ = desk.mailed()
    desk.clock.advance(minutes=1)
    failing(desk, MailThrottled, lambda: desk.resend(order_id, None, caller()))
    assert desk.resend(order_id, None, caller()).emailed_at


@pytest.mark.parametrize("error", NOT_SENT)
def test_a_code_that_was_certainly_not_sent_does_not_use_up_the_five(desk, error):
    order_id, claim = desk.mailed()
    for _ in range(7):
        failing(desk, error, lambda: desk.send_code(claim))
        with pytest.raises(TooSoon):
            desk.send_code(claim)
        desk.clock.advance(seconds=30)
    assert (desk.order(order_id).mails, mails_to_ada()) == (1, 1)
    assert desk.events(order_id)[-2:] == ["CODE_SENT", "CODE_NOT_SENT"]
    assert links.find(Kind.CLAIM, claim.token).codes_sent == 0
    desk.send_code(claim)
    assert desk.redeem(claim, desk.mailer.code(), None)


def test_a_code_that_may_have_been_sent_works_and_counts(desk):
    order_id, claim = desk.mailed()
    failing(desk, MailOutcomeUnknown, lambda: desk.send_code(claim))
    assert links.find(Kind.CLAIM, claim.token).codes_sent == 1
    assert desk.order(order_id).mails == 2


def test_a_link_that_works_is_not_renewed(desk):
    _, claim = desk.mailed()
    desk.clock.advance(minutes=1)
    desk.renew(claim)
    assert state(claim) == "live"


def test_i8_no_link_is_sent_for_cards_that_were_shredded(desk):
    order_id, claim = desk.claimed()
    shred_cards(order_id, caller(), clock=desk.clock)
    desk.clock.advance(minutes=11)
    sent = len(desk.mailer.sent)
    desk.renew(claim)
    assert len(desk.mailer.sent) == sent


# --- wrong codes


def guess(desk, claim, times=1):
    for _ in range(times):
        with pytest.raises(WrongCode):
            desk.redeem(claim, "000013", None)


def test_a_renewed_link_gives_no_new_tries(desk):
    order_id, claim = desk.mailed(**PASSCODE)
    guess(desk, claim, 4)
    desk.clock.advance(days=7)
    desk.renew(claim)
    with pytest.raises(LinkUnusable):
        desk.redeem(latest(desk), "000013", None)
    assert state(latest(desk)) == "locked"
    assert desk.order(order_id).wrong_tries == 5


def test_nor_does_one_that_the_shop_sends_again(desk):
    order_id, claim = desk.mailed(**PASSCODE)
    guess(desk, claim, 3)
    desk.clock.advance(minutes=1)
    desk.resend(order_id, None, caller())
    guess(desk, latest(desk))
    with pytest.raises(LinkUnusable):
        desk.redeem(latest(desk), "000013", None)
    desk.clock.advance(minutes=1)
    with pytest.raises(ClaimLocked):
        desk.resend(order_id, None, caller())


def test_the_shop_lifts_the_lock_by_giving_the_address_again(desk):
    order_id, claim = desk.mailed(**PASSCODE)
    guess(desk, claim, 4)
    with pytest.raises(LinkUnusable):
        desk.redeem(claim, "000013", None)
    desk.clock.advance(minutes=1)
    desk.resend(order_id, "ada@example.com", caller(scopes="orders:correct"))
    guess(desk, latest(desk), 4)
    assert desk.redeem(latest(desk), "river-stone", None)


def test_the_right_code_clears_the_count(desk):
    order_id, claim = desk.mailed(**PASSCODE)
    guess(desk, claim, 4)
    desk.redeem(claim, "river-stone", None)
    desk.clock.advance(minutes=11)
    desk.renew(claim)
    guess(desk, latest(desk), 4)
    assert desk.order(order_id).wrong_tries == 4
