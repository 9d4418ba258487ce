"""A card's whole life: who may move it where, and what time does by itself (I10)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from cardvault.core.clock import from_text, to_text
from cardvault.errors import CardRefused, InvalidRequest, LimitExceeded
from cardvault.giftcards.ledger.records import EntryRecord


def at(clock, moment, **offset):
    clock.now = from_text(moment) + timedelta(**offset)


def test_a_card_expires_the_second_it_says_job_or_no_job(shop, clock):
    card = shop.active("10.00")
    at(clock, card["expiresAt"], milliseconds=-1)
    assert shop.details(card["id"])["status"] == "active"
    shop.redeem(card["id"], "1.00")
    at(clock, card["expiresAt"])
    assert shop.details(card["id"])["status"] == "expired"
    with pytest.raises(CardRefused, match="is expired"):
        shop.redeem(card["id"], "1.00")
    assert shop.details(card["id"])["balance"] == Decimal("9.00")


def test_a_pending_card_expires_too(shop, clock):
    card = shop.new("10.00", expiresAt=to_text(clock() + timedelta(days=1)))
    clock.advance(days=1)
    with pytest.raises(CardRefused, match="is expired"):
        shop.do("activate", card["id"])


def test_the_job_posts_each_expiry_once(shop, clock):
    cards = [shop.active("10.00") for _ in range(3)]
    shop.do("void", cards[0]["id"], reason="lost")
    assert shop.expire() == 0
    clock.advance(days=365)
    assert shop.expire() == 2
    assert shop.expire() == 0
    newest = shop.transactions(cards[1]["id"])[0]
    assert (newest["transactionType"], newest["amount"]) == ("EXPIRATION", 0)
    assert shop.details(cards[1]["id"])["balance"] == Decimal("10.00")


def test_an_extension_brings_an_expired_card_and_its_money_back(shop, clock):
    card = shop.active("10.00")
    clock.advance(days=400)
    shop.expire()
    answer = shop.do("process-expired", card["id"], action="extend", extensionDays=30)
    assert answer["newExpiresAt"] == to_text(clock() + timedelta(days=30))
    assert shop.redeem(card["id"], "10.00")["remainingBalance"] == 0
    clock.advance(days=30)
    assert shop.expire() == 1


def test_an_extension_adds_to_what_is_left(shop):
    card = shop.active("10.00")
    answer = shop.do("process-expired", card["id"], action="extend", extensionDays=10)
    assert from_text(answer["newExpiresAt"]) - from_text(card["expiresAt"]) == timedelta(days=10)
    for _ in range(2):
        shop.do("process-expired", card["id"], action="extend", extensionDays=720)
    with pytest.raises(InvalidRequest, match=r"^extensionDays must have a value of at most 730$"):
        shop.do("process-expired", card["id"], action="extend", extensionDays=731)
    with pytest.raises(LimitExceeded):
        shop.do("process-expired", card["id"], action="extend", extensionDays=720)


@pytest.mark.parametrize("action", ["refund", "void"])
def test_an_expired_card_can_be_paid_out_or_forfeited(shop, clock, action):
    card = shop.active("10.00")
    with pytest.raises(CardRefused, match="is active"):
        shop.do("process-expired", card["id"], action=action)
    clock.advance(days=366)
    answer = shop.do("process-expired", card["id"], action=action, refundReference="R-1")
    shown = shop.details(card["id"], transactions=True)
    assert (shown["status"], shown["balance"]) == ("voided", 0)
    assert shown["transactions"][0]["id"] == answer["transactionId"]
    assert shown["transactions"][0]["referenceId"] == "R-1"


def test_a_suspension_lifts_the_moment_it_says(shop, clock):
    card, end = shop.active("10.00"), to_text(clock() + timedelta(hours=1))
    suspended = shop.do("suspend", card["id"], reason="fraud check", expiresAt=end)
    assert (suspended["status"], suspended["suspendedUntil"]) == ("suspended", end)
    at(clock, end, milliseconds=-1)
    with pytest.raises(CardRefused, match="is suspended"):
        shop.redeem(card["id"], "1.00")
    at(clock, end)
    shown = shop.details(card["id"])
    assert (shown["status"], shown["suspendedReason"], shown["suspendedUntil"]) == (
        "active",
        None,
        None,
    )
    shop.redeem(card["id"], "1.00")


def test_a_suspension_without_an_end_waits_for_a_person(shop, clock):
    card = shop.active("10.00")
    shop.do("suspend", card["id"], reason="fraud check")
    clock.advance(days=100)
    assert shop.details(card["id"])["suspendedReason"] == "fraud check"
    with pytest.raises(CardRefused, match="is suspended"):
        shop.do("suspend", card["id"], reason="again")
    assert shop.do("unsuspend", card["id"])["status"] == "active"
    with pytest.raises(CardRefused, match="is active"):
        shop.do("unsuspend", card["id"])


def test_a_suspended_card_expires_all_the_same(shop, clock):
    card = shop.active("10.00")
    shop.do("suspend", card["id"], reason="fraud check")
    clock.advance(days=365)
    assert shop.details(card["id"])["status"] == "expired"


def test_a_refund_reaches_a_suspended_card_and_leaves_it_so(shop):
    card = shop.active("10.00")
    taken = shop.redeem(card["id"], "10.00")["transactionId"]
    shop.do("suspend", card["id"], reason="fraud check")
    shop.do("refund", card["id"], taken)
    shown = shop.details(card["id"])
    assert (shown["status"], shown["balance"]) == ("suspended", Decimal("10.00"))


@pytest.mark.parametrize("state", ["pending", "active", "suspended", "expired", "depleted"])
def test_a_card_can_be_voided_from_any_state_and_for_good(shop, clock, state):
    card = shop.new("10.00")
    if state != "pending":
        shop.do("activate", card["id"])
    if state == "suspended":
        shop.do("suspend", card["id"], reason="r")
    if state == "expired":
        clock.advance(days=365)
    if state == "depleted":
        shop.redeem(card["id"], "10.00")
    assert shop.details(card["id"])["status"] == state
    shop.do("void", card["id"], reason="stolen")
    assert shop.details(card["id"])["status"] == "voided"
    assert shop.details(card["id"])["balance"] == 0
    for action, body in (
        ("void", {"reason": "again"}),
        ("activate", {}),
        ("redeem", {"amount": 1}),
        ("reload", {"amount": 1}),
        ("adjustments", {"amount": 1, "reason": "r"}),
        ("suspend", {"reason": "r"}),
        ("resend-code", {}),
        ("process-expired", {"action": "extend", "extensionDays": 1}),
    ):
        with pytest.raises(CardRefused, match="is voided"):
            shop.do(action, card["id"], **body)


def test_what_moves_no_money_is_an_entry_too(shop):
    card = shop.active("10.00")
    shop.do("resend-code", card["id"])
    shop.do("suspend", card["id"], reason="lost")
    shop.do("unsuspend", card["id"])
    shop.do("transfer-ownership", card["id"], newOwnerName="Jane", newOwnerEmail="jane@example.com")
    shop.do("process-expired", card["id"], action="extend", extensionDays=1)
    entries = shop.transactions(card["id"])
    assert [entry["transactionType"] for entry in entries] == [
        "EXTENSION",
        "OWNERSHIP_TRANSFER",
        "UNSUSPENSION",
        "SUSPENSION",
        "RESEND_CODE",
        "ACTIVATION",
        "PURCHASE",
    ]
    assert {entry["amount"] for entry in entries[:5]} == {0}
    assert shop.details(card["id"])["customerName"] == "Jane"


class TestHolds:
    def test_i10_what_is_held_can_not_be_spent_otherwise(self, shop):
        card = shop.active("100.00")
        held = shop.do("holds", card["id"], amount=Decimal("70.00"))
        assert held["availableBalance"] == Decimal("30.00")
        assert held["remainingBalance"] == Decimal("100.00")
        with pytest.raises(CardRefused, match=r"30\.00 EUR available"):
            shop.redeem(card["id"], "30.01")
        with pytest.raises(CardRefused):
            shop.do("holds", card["id"], amount=Decimal("30.01"))
        shop.redeem(card["id"], "30.00")

    def test_i10_a_capture_in_part_frees_the_rest(self, shop):
        card = shop.active("100.00")
        hold = shop.do("holds", card["id"], amount=Decimal("70.00"))["holdId"]
        with pytest.raises(InvalidRequest, match=r"at most 70\.00"):
            shop.do("capture", card["id"], hold, amount=Decimal("70.01"))
        answer = shop.do("capture", card["id"], hold, amount=Decimal("45.00"))
        assert answer["remainingBalance"] == Decimal("55.00")
        shown = shop.details(card["id"])
        assert (shown["heldAmount"], shown["availableBalance"]) == (0, Decimal("55.00"))
        with pytest.raises(Exception, match="No such open hold"):
            shop.do("capture", card["id"], hold)
        shop.do("refund", card["id"], answer["transactionId"])

    @pytest.mark.parametrize(("action", "kind"), [("capture", "CAPTURE"), ("release", "RELEASE")])
    def test_what_ends_a_hold_names_it(self, shop, action, kind):
        card = shop.active("100.00")
        hold = shop.do("holds", card["id"], amount=Decimal("70.00"))["holdId"]
        shop.do(action, card["id"], hold)
        (entry,) = (one for one in EntryRecord.query(card["id"]) if one.transaction_type == kind)
        assert entry.hold_id == hold

    def test_a_release_frees_all_of_it(self, shop):
        card = shop.active("100.00")
        hold = shop.do("holds", card["id"], amount=Decimal("70.00"))["holdId"]
        shop.do("release", card["id"], hold, reason="cancelled")
        shop.redeem(card["id"], "100.00")

    def test_a_hold_ends_by_itself_the_moment_it_says(self, shop, clock):
        card, end = shop.active("100.00"), to_text(clock() + timedelta(hours=1))
        hold = shop.do("holds", card["id"], amount=Decimal("70.00"), expiresAt=end)["holdId"]
        at(clock, end, milliseconds=-1)
        assert shop.details(card["id"])["availableBalance"] == Decimal("30.00")
        at(clock, end)
        assert shop.details(card["id"])["availableBalance"] == Decimal("100.00")
        with pytest.raises(Exception, match="No such open hold"):
            shop.do("capture", card["id"], hold)

    @pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=30, milliseconds=1)])
    def test_a_hold_ends_within_thirty_days(self, shop, clock, ahead):
        card = shop.active("100.00")
        longest = to_text(clock() + timedelta(days=30))
        assert shop.do("holds", card["id"], amount=1, expiresAt=longest)["expiresAt"] == longest
        with pytest.raises(InvalidRequest, match=r"^expiresAt must lie within 30 days ahead$"):
            shop.do("holds", card["id"], amount=1, expiresAt=to_text(clock() + ahead))

    def test_a_hold_does_not_outlive_its_card(self, shop, clock):
        card = shop.active("100.00", expiresAt=to_text(clock() + timedelta(hours=1)))
        held = shop.do("holds", card["id"], amount=1)
        assert held["expiresAt"] == card["expiresAt"]

    def test_a_card_takes_a_bounded_number_of_holds(self, shop):
        card = shop.active("100.00")
        for _ in range(20):
            shop.do("holds", card["id"], amount=1)
        with pytest.raises(LimitExceeded):
            shop.do("holds", card["id"], amount=1)
