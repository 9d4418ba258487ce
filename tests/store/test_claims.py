"""Claim links: what consumes one, what does not, and who may look afterwards."""

import pytest

from cardvault import links
from cardvault.audit import trail
from cardvault.claims.claim import ClaimRequest
from cardvault.claims.views import claim_view
from cardvault.errors import (
    CodeTooOld,
    DownloadExpired,
    InvalidRequest,
    LinkUnusable,
    TooManyCodes,
    TooSoon,
    WrongAddress,
    WrongCode,
)
from cardvault.links import Kind
from cardvault.orders.shred import shred_cards
from cardvault.sealing.pages import Layout
from tests.support.alarms import embedded_metrics
from tests.support.delivery import ORIGIN
from tests.support.doubles import caller
from tests.support.interrupt import Crash, before_each, interrupted_at

WRONG = "000000"


def link_of(claim):
    return links.find(Kind.CLAIM, claim.token)


def test_i1_only_the_hash_of_a_token_is_stored(desk):
    order_id, claim = desk.mailed()
    desk.send_code(claim)
    stored = str(link_of(claim).serialize()) + str(desk.order(order_id).serialize())
    assert claim.token not in stored
    assert desk.mailer.code() not in stored


def test_i5_opening_consumes_nothing_however_often(desk):
    order_id, claim = desk.mailed()
    for _ in range(3):
        link, _, claimed = desk.open(claim)
        assert not claimed
    assert link.state == "live"
    assert desk.events(order_id).count("LINK_OPENED") == 1


def test_a_code_opens_a_session_and_the_cards_once_asked_for(desk):
    order_id, claim = desk.mailed()
    desk.send_code(claim)
    session = desk.redeem(claim, desk.mailer.code(), None)
    assert "CARDS_DELIVERED" not in desk.events(order_id)
    shown = desk.reveal(ClaimRequest(claim.token, session, ORIGIN), 0)
    assert [card.value for _, card in shown.cards] == [f"CANARY-A-VALUE-{n:05d}" for n in (1, 2, 3)]
    assert desk.events(order_id)[-2:] == ["LINK_CLAIMED", "CARDS_DELIVERED"]
    order = desk.order(order_id)
    assert order.claimed_at
    assert order.first_revealed_at


@pytest.mark.parametrize(("waited", "left"), [(0, 600), (599, 1), (599.5, 1)])
def test_the_page_is_told_for_how_long_it_may_show_the_cards(desk, waited, left):
    _, claim = desk.claimed()
    desk.clock.advance(seconds=waited)
    link, order, seconds = desk.open(claim)
    view = claim_view(link, order, "Shop", seconds_left=seconds)
    assert (view["claimed"], view["secondsLeft"]) == (True, left)
    assert view["email"] == "a•••@e•••.com"


def test_i5_a_claimed_link_is_used_up(desk, capsys):
    _, claim = desk.claimed()
    capsys.readouterr()
    with pytest.raises(LinkUnusable):
        desk.redeem(ClaimRequest(claim.token, None, ORIGIN), desk.mailer.code(), None)
    assert [counted.name for counted in embedded_metrics(capsys.readouterr().out)] == [
        "LinkRefused"
    ]


def test_the_same_browser_may_look_again_for_ten_minutes(desk):
    _, claim = desk.claimed()
    desk.clock.advance(minutes=9, seconds=59)
    assert desk.open(claim)[2]
    assert desk.reveal(claim, 0).cards
    desk.clock.advance(seconds=1)
    with pytest.raises(LinkUnusable):
        desk.open(claim)
    with pytest.raises(LinkUnusable):
        desk.reveal(claim, 0)


@pytest.mark.parametrize("session", [None, "0" * 64, ""])
def test_i6_another_browser_sees_nothing(desk, session):
    order_id, claim = desk.claimed()
    with pytest.raises(LinkUnusable):
        desk.reveal(ClaimRequest(claim.token, session, ORIGIN), 0)
    assert desk.events(order_id)[-1] == "CLAIM_REFUSED"


def test_i6_a_session_opens_its_own_link_only(desk):
    _, mine = desk.claimed(key="key-1")
    _, theirs = desk.mailed(key="key-2")
    with pytest.raises(LinkUnusable):
        desk.reveal(ClaimRequest(theirs.token, mine.session, ORIGIN), 0)


def test_five_wrong_codes_lock_the_link_even_for_the_right_one(desk, capsys):
    order_id, claim = desk.mailed()
    desk.send_code(claim)
    for _ in range(4):
        with pytest.raises(WrongCode):
            desk.redeem(claim, WRONG, None)
    with pytest.raises(LinkUnusable):
        desk.redeem(claim, WRONG, None)
    assert '"ClaimLocked":[1.0]' in capsys.readouterr().out
    with pytest.raises(LinkUnusable):
        desk.redeem(claim, desk.mailer.code(), None)
    reasons = [event.reason for event in trail.read_all(order_id) if event.event == "CLAIM_REFUSED"]
    assert reasons == ["WRONG_CODE"] * 4 + ["WRONG_CODE_LOCKED", "LINK_LOCKED"]


def test_new_codes_give_no_new_tries(desk):
    _, claim = desk.mailed()
    for _ in range(4):
        desk.send_code(claim)
        with pytest.raises(WrongCode):
            desk.redeem(claim, WRONG, None)
        desk.clock.advance(seconds=30)
    desk.send_code(claim)
    with pytest.raises(LinkUnusable):
        desk.redeem(claim, WRONG, None)


def test_a_code_works_for_ten_minutes_and_only_the_last_one(desk, monkeypatch):
    """Who was right once has not guessed: however often they try, the link is not locked."""
    drawn = iter("111111222222333333")
    monkeypatch.setattr("cardvault.claims.one_time_code.secrets.choice", lambda _: next(drawn))
    order_id, claim = desk.mailed()
    for _ in range(2):
        desk.send_code(claim)
        desk.clock.advance(seconds=30)
    for _ in range(6):
        with pytest.raises(CodeTooOld):
            desk.redeem(claim, "111111", None)
    desk.clock.advance(minutes=10)
    for _ in range(6):
        with pytest.raises(CodeTooOld):
            desk.redeem(claim, "222222", None)
    assert "CLAIM_REFUSED" not in desk.events(order_id)
    desk.send_code(claim)
    assert desk.redeem(claim, "333333", None)


def test_a_wrong_code_says_how_many_tries_are_left(desk):
    _, claim = desk.mailed()
    desk.send_code(claim)
    left = []
    for _ in range(4):
        with pytest.raises(WrongCode) as refused:
            desk.redeem(claim, WRONG, None)
        left.append(refused.value.details["triesLeft"])
    assert left == [4, 3, 2, 1]


@pytest.mark.parametrize(
    "written",
    [
        "    {} ",
        "\u00a0{}\u200b",
        "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}",
        "{0[0]}{0[1]}{0[2]}–{0[3]}{0[4]}{0[5]}\r\n",  # noqa: RUF001 - as phones write it
    ],
)
@pytest.mark.parametrize("zero", "0٠۰０०")  # noqa: RUF001 - digits of five scripts
def test_a_code_is_read_as_it_was_meant(desk, written, zero):
    _, claim = desk.mailed()
    desk.send_code(claim)
    code = "".join(chr(ord(zero) + int(digit)) for digit in desk.mailer.code())
    assert desk.redeem(claim, written.format(code), None)


@pytest.mark.parametrize("code", ["12345", "1234567", "abcdef", "12 34", "½23456", "1" * 200])
def test_what_can_be_no_code_is_not_a_try(desk, code):
    order_id, claim = desk.mailed()
    desk.send_code(claim)
    for _ in range(6):
        with pytest.raises(InvalidRequest, match="code must be 6 digits"):
            desk.redeem(claim, code, None)
    assert "CLAIM_REFUSED" not in desk.events(order_id)
    assert desk.redeem(claim, desk.mailer.code(), None)


@pytest.mark.parametrize("passcode", ["12345", " 12345 ", "x" * 65])
def test_what_can_be_no_passcode_is_not_a_try(desk, passcode):
    _, claim = desk.mailed(protection="passcode", passcode="river-stone")
    for _ in range(6):
        with pytest.raises(InvalidRequest, match="code must have 6 to 64 characters"):
            desk.redeem(claim, passcode, None)
    assert desk.redeem(claim, "river-stone", None)


@pytest.mark.parametrize(
    ("told", "typed"),
    [
        ("Secret12 ", "Secret12 "),
        ("Secret12 ", "Secret12"),
        ("Secret12", "\u00a0Secret12\n"),
        ("Se\u0301same-1", "S\u00e9same-1"),
    ],
)
def test_a_passcode_is_what_was_told_however_it_is_typed(desk, told, typed):
    _, claim = desk.mailed(protection="passcode", passcode=told)
    assert desk.redeem(claim, typed, None)


def test_codes_are_mailed_thirty_seconds_apart_and_five_before_a_pause_of_an_hour(desk):
    _, claim = desk.mailed()
    desk.send_code(claim)
    with pytest.raises(TooSoon):
        desk.send_code(claim)
    for _ in range(4):
        desk.clock.advance(seconds=30)
        desk.send_code(claim)
    desk.clock.advance(minutes=50)
    with pytest.raises(TooManyCodes) as refused:
        desk.send_code(claim)
    assert refused.value.retry_after_s == 10 * 60
    desk.clock.advance(minutes=10)
    desk.send_code(claim)
    assert links.find(Kind.CLAIM, claim.token).codes_sent == 1
    assert desk.redeem(claim, desk.mailer.code(), None)
    assert len(desk.mailer.sent) == 1 + 6


@pytest.mark.parametrize("address", [None, "", "bob@example.com", "a•••@e•••.com", "ada"])
def test_i5_a_program_that_presses_every_button_has_no_code_sent(desk, address):
    order_id, claim = desk.mailed()
    for _ in range(9):
        desk.clock.advance(minutes=1)
        with pytest.raises((InvalidRequest, WrongAddress)):
            desk.code_sender(claim, address)
    assert len(desk.mailer.sent) == 1
    assert "CODE_SENT" not in desk.events(order_id)
    desk.code_sender(claim, "ada@example.com")
    assert desk.redeem(claim, desk.mailer.code(), None)


@pytest.mark.parametrize(
    ("on_file", "given"),
    [
        ("Ada@Example.com", " ada@example.com\n"),
        ("ada@xn--bcher-kva.example", "ada@Bücher.example"),
        ("ada@example.com", "\uff41\uff44\uff41\uff20example.com"),
    ],
)
def test_the_address_is_read_as_it_was_meant(desk, on_file, given):
    _, claim = desk.mailed(email=on_file)
    desk.code_sender(claim, given)
    assert desk.redeem(claim, desk.mailer.code(), None)


def test_a_passcode_is_asked_for_instead_when_the_shop_set_one(desk):
    _, claim = desk.mailed(protection="passcode", passcode="river-stone")
    with pytest.raises(InvalidRequest):
        desk.send_code(claim)
    with pytest.raises(WrongCode):
        desk.redeem(claim, "river-stove", None)
    assert desk.redeem(claim, "river-stone", None)


def test_protection_none_asks_for_nothing_but_the_press_of_a_button(desk):
    _, claim = desk.mailed(protection="none")
    assert desk.redeem(claim, None, None)


def test_a_try_without_any_code_costs_nothing(desk):
    _, claim = desk.mailed()
    for _ in range(9):
        with pytest.raises(InvalidRequest):
            desk.redeem(claim, None, None)
    desk.send_code(claim)
    assert desk.redeem(claim, desk.mailer.code(), None)


def over(desk, how):
    if how == "unknown":
        return ClaimRequest("A" * 43, None, ORIGIN)
    if how == "used":
        return ClaimRequest(desk.claimed()[1].token, None, ORIGIN)
    order_id, claim = desk.mailed()
    if how == "expired":
        desk.clock.advance(days=7)
    elif how == "locked":
        for _ in range(5):
            with pytest.raises((WrongCode, LinkUnusable)):
                desk.redeem(claim, WRONG, None)
    elif how == "replaced":
        desk.clock.advance(minutes=1)
        desk.resend(order_id, None, caller())
    return claim


@pytest.mark.parametrize("number", [3, 4, 5])
def test_i5_a_link_that_is_replaced_while_it_is_opened_opens_nothing(desk, number):
    order_id, claim = desk.mailed()
    desk.clock.advance(minutes=1)
    replaces = interrupted_at(number, lambda: desk.resend(order_id, None, caller()))
    with replaces, pytest.raises(LinkUnusable):
        desk.open(claim)
    assert desk.events(order_id).count("LINK_OPENED") == 0


def test_a_code_is_sent_though_somebody_opens_the_link_meanwhile(desk):
    _, claim = desk.mailed()
    opened = []

    def open_once(operation):
        if operation == "TransactWriteItems" and not opened:
            opened.append(desk.open(claim))

    with before_each(open_once):
        desk.send_code(claim)
    assert opened
    assert desk.redeem(claim, desk.mailer.code(), None)


@pytest.mark.parametrize("how", ["unknown", "used", "expired", "locked", "replaced"])
def test_every_link_that_is_over_gets_the_same_answer_equally_late(desk, how):
    claim = over(desk, how)
    answers = set()
    for request in (
        lambda: desk.open(claim),
        lambda: desk.send_code(claim),
        lambda: desk.redeem(claim, "123456", None),
        lambda: desk.reveal(claim, 0),
        lambda: desk.create.for_claimant(claim, "txt"),
    ):
        desk.waits.seconds.clear()
        with pytest.raises(LinkUnusable) as refused:
            request()
        answers.add((type(refused.value), str(refused.value)))
        assert desk.waits.seconds == [0.3]
    assert len(answers) == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 42, "A" * 44, "?" * 43, "../../etc/passwd"])
def test_no_time_is_spent_on_what_was_never_a_link(desk, token):
    claim = ClaimRequest(token, None, ORIGIN)
    for request in (
        lambda: desk.open(claim),
        lambda: desk.send_code(claim),
        lambda: desk.redeem(claim, "123456", None),
        lambda: desk.reveal(claim, 0),
        lambda: desk.create.for_claimant(claim, "txt"),
    ):
        with pytest.raises(LinkUnusable):
            request()
    with pytest.raises(DownloadExpired):
        desk.download(token, None, ORIGIN)
    desk.renew(claim)
    assert desk.waits.seconds == []


def test_i7_tries_with_a_dead_link_are_told_and_cannot_flood_the_trail(desk):
    order_id, claim = desk.claimed()
    stranger = ClaimRequest(claim.token, None, ORIGIN)
    for _ in range(40):
        with pytest.raises(LinkUnusable):
            desk.open(stranger)
    told = [event.reason for event in trail.read_all(order_id) if event.event == "CLAIM_REFUSED"]
    assert told == ["LINK_USED"] * 10 + ["LINK_USED, 16 times so far", "LINK_USED, 32 times so far"]
    assert link_of(claim).refusals == 40


def told(order_id, name):
    return [event.reason for event in trail.read_all(order_id) if event.event == name]


def test_i13_a_browser_that_looks_again_and_again_cannot_flood_the_trail(desk):
    order_id, claim = desk.claimed()
    for _ in range(40):
        assert desk.reveal(claim, 0).cards
    repeats = ["REPEATED"] * 10 + ["REPEATED, 16 times so far", "REPEATED, 32 times so far"]
    assert told(order_id, "CARDS_DELIVERED") == [None, *repeats]


def test_i7_each_page_has_its_event_however_many_there_are(desk, monkeypatch):
    monkeypatch.setattr("cardvault.claims.reveal.layout_of", lambda _: Layout(1_000, 50))
    order_id, claim = desk.claimed()
    for _ in range(20):
        desk.reveal(claim, 0)
    assert told(order_id, "CARDS_DELIVERED") == [None] * 20


def test_i13_nor_by_asking_for_what_was_shredded(desk):
    order_id, claim = desk.claimed()
    shred_cards(order_id, caller(), clock=desk.clock)
    for _ in range(20):
        with pytest.raises(LinkUnusable):
            desk.reveal(claim, 0)
        with pytest.raises(LinkUnusable):
            desk.create.for_claimant(claim, "txt")
    refused = told(order_id, "REVEAL_REFUSED") + told(order_id, "DOWNLOAD_REFUSED")
    assert len(refused) == 12, "ten, the sixteenth and the thirty-second"


def test_i13_a_claimed_link_makes_twenty_files(desk):
    order_id, claim = desk.claimed()
    for _ in range(20):
        desk.create.for_claimant(claim, "txt")
    for _ in range(20):
        with pytest.raises(LinkUnusable):
            desk.create.for_claimant(claim, "txt")
    assert desk.events(order_id).count("DOWNLOAD_CREATED") == 20
    assert told(order_id, "DOWNLOAD_REFUSED")[:2] == ["NO_FILES_LEFT"] * 2
    assert desk.events(order_id).count("DOWNLOAD_REFUSED") == 11


def test_a_lost_answer_can_be_fetched_again_by_the_same_browser_for_seconds(desk):
    _, claim = desk.mailed()
    desk.send_code(claim)
    code, key = desk.mailer.code(), "k" * 64
    session = desk.redeem(claim, code, key)
    desk.clock.advance(seconds=9)
    assert desk.redeem(claim, code, key) == session
    with pytest.raises(LinkUnusable):
        desk.redeem(claim, code, "other" * 10)
    desk.clock.advance(seconds=1)
    with pytest.raises(LinkUnusable):
        desk.redeem(claim, code, key)


@pytest.mark.parametrize("how", ["used", "expired"])
def test_a_link_that_is_over_can_ask_for_a_new_one_to_the_address_on_file(desk, how):
    claim = over(desk, how)
    desk.clock.advance(minutes=11)
    before = len(desk.mailer.sent)
    desk.renew(claim)
    assert len(desk.mailer.sent) == before + 1
    assert desk.mailer.sent[-1][0] == "ada@example.com"
    fresh = ClaimRequest(desk.mailer.token(), None, ORIGIN)
    assert fresh.token != claim.token
    assert desk.open(fresh)
    desk.clock.advance(minutes=11)
    desk.renew(claim)
    assert len(desk.mailer.sent) == before + 1, "a replaced link asks for no more"


def test_a_customer_who_got_no_link_since_the_process_died_asks_again(desk):
    claim = over(desk, "used")
    desk.clock.advance(minutes=11)
    desk.mailer.outcomes = [Crash()]
    with pytest.raises(Crash):
        desk.renew(claim)
    desk.clock.advance(minutes=11)
    desk.renew(claim)
    assert desk.open(ClaimRequest(desk.mailer.token(), None, ORIGIN))


@pytest.mark.parametrize("how", ["unknown", "locked", "replaced"])
def test_other_links_get_the_same_answer_and_no_mail(desk, how):
    claim = over(desk, how)
    desk.clock.advance(minutes=11)
    before = len(desk.mailer.sent)
    desk.waits.seconds.clear()
    desk.renew(claim)
    assert len(desk.mailer.sent) == before
    assert desk.waits.seconds == [1.5]


def test_a_live_link_is_not_replaced_by_asking(desk):
    _, claim = desk.mailed()
    desk.clock.advance(minutes=5)
    desk.renew(claim)
    assert desk.open(claim)


def test_i8_after_shredding_a_link_opens_nothing(desk):

    order_id, claim = desk.claimed()
    shred_cards(order_id, caller(), clock=desk.clock)
    with pytest.raises(LinkUnusable):
        desk.reveal(claim, 0)


def test_an_order_mailed_only_later_is_guarded_by_a_mailed_code_too(desk):
    order_id = desk.steps.stored_order(3)
    desk.resend(order_id, "ada@example.com", caller(scopes="orders:correct"))
    claim = ClaimRequest(desk.mailer.token(), None, ORIGIN)
    desk.open(claim)
    desk.send_code(claim)
    assert desk.redeem(claim, desk.mailer.code(), None)
