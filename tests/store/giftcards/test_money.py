"""I10: money moves exactly, once, and never below zero or above the maximum."""

from datetime import timedelta
from decimal import Decimal

import pytest

from cardvault.core.clock import from_text, to_text
from cardvault.errors import (
    CardRefused,
    GiftCardNotFound,
    IdempotencyKeyReused,
    InsufficientFunds,
    InvalidRequest,
    LimitExceeded,
    TransactionNotFound,
)
from cardvault.giftcards import define_programs
from cardvault.giftcards.ledger.idempotency import IdempotentRequest


def test_i10_a_card_is_issued_up_to_the_limits_of_its_program_and_not_past_them(shop, clock):
    small = shop.another(maxInitialValue=10, defaultExpiryDays=10, maxExpiryDays=30)
    assert small.new("10.00")["initialValue"] == 10
    with pytest.raises(LimitExceeded, match=r"^initialValue may be at most 10"):
        small.new("10.01")
    last = clock() + timedelta(days=30)
    assert small.new("1.00", expiresAt=to_text(last))["expiresAt"] == to_text(last)
    with pytest.raises(LimitExceeded, match=r"^expiresAt may lie at most 30 days ahead$"):
        small.new("1.00", expiresAt=to_text(last + timedelta(milliseconds=1)))
    with pytest.raises(InvalidRequest, match=r"^expiresAt must lie ahead$"):
        small.new("1.00", expiresAt=to_text(clock()))


def test_i10_a_new_card_is_pending_and_holds_nothing(shop):
    card = shop.new("100.00")
    assert (card["status"], card["balance"], card["initialValue"]) == (
        "pending",
        Decimal("0.00"),
        Decimal("100.00"),
    )
    (entry,) = shop.transactions(card["id"])
    assert (entry["transactionType"], entry["amount"]) == ("PURCHASE", 0)


def test_i10_activation_loads_the_initial_value_and_only_once(shop):
    card = shop.active("100.00", customerName="John Doe")
    assert (card["status"], card["balance"]) == ("active", Decimal("100.00"))
    assert card["activatedAt"] is not None
    with pytest.raises(CardRefused, match="is active"):
        shop.do("activate", card["id"])


def test_i10_redemption_takes_a_part_and_the_last_of_it_depletes(shop):
    card = shop.active("100.00")
    answer = shop.redeem(card["id"], "25.50", posTransactionId="till-1")
    assert answer["amountRedeemed"] == Decimal("25.50")
    assert answer["remainingBalance"] == Decimal("74.50")
    newest = shop.transactions(card["id"])[0]
    assert newest["id"] == answer["transactionId"]
    assert [newest[name] for name in ("amount", "balanceBefore", "balanceAfter")] == [
        Decimal("-25.50"),
        Decimal("100.00"),
        Decimal("74.50"),
    ]
    assert newest["posTransactionId"] == "till-1"
    shop.redeem(card["id"], "74.50")
    assert shop.details(card["id"])["status"] == "depleted"


def test_i10_insufficient_funds_say_what_is_available(shop):
    card = shop.active("10.00")
    with pytest.raises(InsufficientFunds) as caught:
        shop.redeem(card["id"], "10.01")
    assert caught.value.details["available"] == Decimal("10.00")
    assert "10.00 EUR available" in str(caught.value)


def test_i10_a_depleted_card_says_that_nothing_is_available(shop):
    card = shop.active("5.00")
    shop.redeem(card["id"], "5.00")
    with pytest.raises(InsufficientFunds) as caught:
        shop.redeem(card["id"], "0.01")
    assert caught.value.details["available"] == 0


def test_i10_a_reload_stops_at_the_programs_maximum(shop):
    card = shop.active("9500.00")
    with pytest.raises(LimitExceeded) as caught:
        shop.do("reload", card["id"], amount=1000)
    assert caught.value.details == {
        "currentBalance": Decimal("9500.00"),
        "maxBalance": Decimal("10000.00"),
        "availableReloadAmount": Decimal("500.00"),
    }
    assert shop.do("reload", card["id"], amount="500.00")["balance"] == Decimal("10000.00")


def test_i10_a_reload_by_number_finds_the_card(shop):
    card = shop.active("10.00")
    loaded = shop.do("reload-by-number", cardNumber=card["cardNumber"], amount=5)
    assert (loaded["id"], loaded["balance"]) == (card["id"], Decimal("15.00"))
    for number in (card["cardNumber"], "9" * 16):
        with pytest.raises(InvalidRequest, match="Idempotency-Key"):
            shop.do("reload-by-number", cardNumber=number, amount=5, key="two words")


@pytest.mark.parametrize(
    "amount", ["0", "0.001", "-1", "1e2", "NaN", True, None, [], "\u0661\u066c", "12,00"]
)
def test_i10_what_is_no_amount_is_named_and_refused(shop, amount):
    card = shop.active("100.00")
    with pytest.raises(InvalidRequest, match=r"^amount "):
        shop.do("redeem", card["id"], amount=amount)
    with pytest.raises(InvalidRequest, match=r"^initialValue "):
        shop.do("create", initialValue=amount, merchantId="m1")


def test_i10_a_refund_gives_back_at_most_what_was_taken(shop):
    card = shop.active("100.00")
    taken = shop.redeem(card["id"], "60.00")["transactionId"]
    first = shop.do("refund", card["id"], taken, amount=Decimal("20.00"), reason="one returned")
    assert first["remainingBalance"] == Decimal("60.00")
    with pytest.raises(LimitExceeded) as caught:
        shop.do("refund", card["id"], taken, amount=Decimal("40.01"))
    assert caught.value.details == {"refundable": Decimal("40.00")}
    assert shop.do("refund", card["id"], taken)["refundedAmount"] == Decimal("40.00")
    with pytest.raises(LimitExceeded, match="already"):
        shop.do("refund", card["id"], taken)
    assert shop.details(card["id"])["balance"] == Decimal("100.00")


def test_i10_a_refund_revives_a_depleted_card(shop):
    card = shop.active("5.00")
    taken = shop.redeem(card["id"], "5.00")["transactionId"]
    shop.do("refund", card["id"], taken)
    assert shop.details(card["id"])["status"] == "active"


def test_i10_only_what_was_spent_can_be_refunded(shop):
    card = shop.active("5.00")
    loaded = shop.transactions(card["id"])[0]["id"]
    with pytest.raises(CardRefused, match="ACTIVATION"):
        shop.do("refund", card["id"], loaded)
    with pytest.raises(TransactionNotFound):
        shop.do("refund", card["id"], "0" * 24)
    elsewhere = shop.active("5.00")
    taken = shop.redeem(elsewhere["id"], "1.00")["transactionId"]
    with pytest.raises(TransactionNotFound):
        shop.do("refund", card["id"], taken)


def test_i10_an_adjustment_is_signed_and_says_why(shop):
    card = shop.active("10.00")
    shop.do("adjustments", card["id"], amount=Decimal("-2.50"), reason="counted twice")
    shop.do("adjustments", card["id"], amount=1, reason="goodwill")
    assert shop.details(card["id"])["balance"] == Decimal("8.50")
    assert shop.transactions(card["id"])[1]["description"] == "counted twice"
    with pytest.raises(InsufficientFunds):
        shop.do("adjustments", card["id"], amount=Decimal("-8.51"), reason="too much")
    with pytest.raises(LimitExceeded):
        shop.do("adjustments", card["id"], amount=9992, reason="too much")
    with pytest.raises(InvalidRequest, match=r"^amount must not be zero$"):
        shop.do("adjustments", card["id"], amount=0, reason="nothing")


def test_i10_the_same_key_moves_money_once_and_gets_the_first_answer(shop):
    card = shop.active("100.00")
    first = shop.redeem(card["id"], "80.00", key="till-7")
    shop.redeem(card["id"], "20.00")
    assert shop.redeem(card["id"], "80.00", key="till-7") == first
    assert shop.details(card["id"])["balance"] == 0


def test_i10_a_key_is_good_for_ever(shop, clock):
    card = shop.active("100.00")
    first = shop.redeem(card["id"], "80.00", key="till-7")
    clock.advance(days=4000)
    assert shop.redeem(card["id"], "80.00", key="till-7") == first


def test_i10_a_key_outlives_a_limit(shop, clock):
    card = shop.active("100.00")
    first = shop.do("reload", card["id"], key="k", amount=50)
    define_programs.update({"programId": shop.program.program_id, "maxReload": 1}, clock=clock)
    assert shop.do("reload", card["id"], key="k", amount=50) == first
    with pytest.raises(InvalidRequest, match="at most"):
        shop.do("reload", card["id"], amount=50)


def test_i10_the_same_key_with_another_body_is_refused(shop):
    card = shop.active("100.00")
    shop.redeem(card["id"], "80.00", key="till-7")
    with pytest.raises(IdempotencyKeyReused):
        shop.redeem(card["id"], "79.00", key="till-7")


def test_i10_a_key_belongs_to_one_card_and_one_action(shop):
    one, other = shop.active("100.00"), shop.active("100.00")
    shop.redeem(one["id"], "1.00", key="k")
    shop.redeem(other["id"], "1.00", key="k")
    shop.do("reload", one["id"], key="k", amount=Decimal("1.00"))
    assert shop.details(one["id"])["balance"] == Decimal("100.00")


def test_i10_creating_is_idempotent_too(shop):
    body = {"initialValue": 10, "merchantId": "m1"}
    first = shop.do("create", key="k", **body)
    assert shop.do("create", key="k", **body) == first
    assert len(shop.find()[0]) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "é"])
def test_a_money_move_needs_a_key(shop, key):
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        IdempotentRequest(shop.numbers, "tenant", "card", "redeem", key, {})


@pytest.mark.parametrize("left", ["0.00", "5.00"])
def test_i10_a_hold_that_was_over_by_another_clock_takes_no_more_than_is_there(shop, clock, left):
    card = shop.active("20.00")
    hold = shop.do("holds", card["id"], amount=20, expiresAt="2026-01-02T03:30:00Z")["holdId"]
    before = clock.now
    clock.now = from_text("2026-01-02T03:30:01Z")
    shop.do("redeem", card["id"], amount=Decimal("20.00") - Decimal(left))
    clock.now = before
    with pytest.raises(InsufficientFunds) as refused:
        shop.do("capture", card["id"], hold)
    assert refused.value.details["available"] == Decimal(left)
    assert shop.details(card["id"])["availableBalance"] == 0, "never below zero"
    if Decimal(left):
        shop.do("capture", card["id"], hold, amount=Decimal(left))
    else:
        shop.do("adjustments", card["id"], amount=1, reason="a credit needs no funds")
    assert shop.verify() == []


def test_i10_a_repeat_under_another_program_is_another_request(shop):
    card = shop.active("20.00")
    first = shop.do("redeem", card["id"], key="one", amount=5)
    assert shop.do("redeem", card["id"], key="one", amount=5) == first
    for other in (shop.another(), shop.another(maxBalance=1, maxInitialValue=1)):
        with pytest.raises(GiftCardNotFound):
            other.do("redeem", card["id"], key="one", amount=5)
        with pytest.raises(GiftCardNotFound):
            other.do("reload", card["id"], key="two", amount=5)
    assert shop.details(card["id"])["balance"] == 15
