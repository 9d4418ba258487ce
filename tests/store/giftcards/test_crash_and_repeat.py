"""I10: a crash behind the transaction, or a lost answer, is safe to repeat."""

from decimal import Decimal

import pytest

from cardvault.aws import tables
from cardvault.aws.retries import LostRace
from cardvault.errors import GiftCardNotFound


class Crash(RuntimeError):
    pass


@pytest.fixture
def crash_after_commit(monkeypatch):
    """The next transaction is carried out, and then the process dies."""

    def arm(times=1):
        original, left = tables.commit, [times]

        def commit(transaction):
            original(transaction)
            if left[0]:
                left[0] -= 1
                raise Crash

        monkeypatch.setattr(tables, "commit", commit)

    return arm


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("redeem", {"amount": Decimal("30.00")}),
        ("reload", {"amount": Decimal("30.00")}),
        ("holds", {"amount": Decimal("30.00")}),
        ("adjustments", {"amount": Decimal("-30.00"), "reason": "r"}),
        ("void", {"reason": "stolen"}),
    ],
)
def test_i10_a_crash_after_the_transaction_is_safe_to_repeat(
    shop, crash_after_commit, action, body
):
    card = shop.active("100.00")
    crash_after_commit()
    with pytest.raises(Crash):
        shop.do(action, card["id"], key="k", **body)
    moved = shop.details(card["id"], transactions=True)
    first = shop.do(action, card["id"], key="k", **body)
    assert shop.do(action, card["id"], key="k", **body) == first
    assert shop.details(card["id"], transactions=True) == moved


def test_i10_a_crash_in_the_middle_of_a_bulk_issue_is_safe_to_repeat(shop, crash_after_commit):
    body = {"initialValue": 10, "merchantId": "m1", "count": 70}
    crash_after_commit()
    with pytest.raises(Crash):
        shop.do("bulk", key="k", **body)
    assert len(shop.find(limit=250)[0]) == 33
    answer = shop.do("bulk", key="k", **body)
    assert answer["issuedCount"] == len({card["cardNumber"] for card in answer["cards"]}) == 70
    assert len(shop.find(limit=250)[0]) == 70
    assert shop.do("bulk", key="k", **body) == answer


def test_i10_a_crash_after_a_transfer_is_safe_to_repeat(shop, crash_after_commit):
    source, target = shop.active("50.00"), shop.active("10.00")
    code = shop.do("resend-code", source["id"])["securityCode"]
    body = {
        "securityCode": code,
        "destinationCardNumber": target["cardNumber"],
        "amount": Decimal("50.00"),
    }
    first = shop.do("transfer", source["id"], key="k", **body)
    assert shop.do("transfer", source["id"], key="k", **body) == first
    assert shop.details(target["id"])["balance"] == Decimal("60.00")


def test_i10_a_lost_race_reads_and_judges_anew(shop, monkeypatch):
    card = shop.active("100.00")
    original, lost = tables.commit, []

    def commit(transaction):
        if not lost:
            lost.append(True)
            shop.redeem(card["id"], "90.00")
            raise LostRace
        original(transaction)

    monkeypatch.setattr(tables, "commit", commit)
    shop.redeem(card["id"], "10.00")
    assert shop.details(card["id"])["status"] == "depleted"


def test_i10_a_stale_write_is_refused_by_the_table(shop, monkeypatch):
    card = shop.active("100.00")
    monkeypatch.setattr("cardvault.aws.retries.RACE_TRIES", 1)
    original = tables.commit
    inner = []

    def commit(transaction):
        if not inner:
            inner.append(True)
            shop.redeem(card["id"], "1.00")
        original(transaction)

    monkeypatch.setattr(tables, "commit", commit)
    from cardvault.errors import TooManyWriters

    with pytest.raises(TooManyWriters):
        shop.redeem(card["id"], "1.00")
    assert shop.details(card["id"])["balance"] == Decimal("99.00")


def test_i6_another_tenants_repeat_is_no_repeat(shop):
    made = shop.active("50.00")
    answer = shop.do("redeem", made["id"], key="guessable-1", amount=Decimal("1.00"))
    assert answer
    stranger = shop.another("f" * 24)
    for amount in ("1.00", "2.00"):
        with pytest.raises(GiftCardNotFound):
            stranger.do("redeem", made["id"], key="guessable-1", amount=Decimal(amount))
