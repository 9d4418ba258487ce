"""Transfers, consolidation, bulk issue, lists and search (I6, I10)."""

import base64
from decimal import Decimal

import pytest

from cardvault.errors import (
    CardRefused,
    GiftCardNotFound,
    InsufficientFunds,
    InvalidRequest,
    LimitExceeded,
    ProgramNotFound,
    WrongSecurityCode,
)
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.queries import search
from cardvault.giftcards.security import vault
from cardvault.http.cursor import encode
from tests.support.giftcards import OTHER_TENANT, business, customer
from tests.support.interrupt import calls
from tests.support.stored_items import scan


def transfer(shop, source, target, amount, code=None, **more):
    code = code or shop.do("resend-code", source["id"])["securityCode"]
    return shop.do(
        "transfer",
        source["id"],
        securityCode=code,
        destinationCardNumber=target["cardNumber"],
        amount=Decimal(amount),
        **more,
    )


def test_i10_a_transfer_moves_all_or_nothing(shop):
    source, target = shop.active("100.00"), shop.active("10.00")
    answer = transfer(shop, source, target, "40.00", description="pooling")
    assert answer["sourceCard"]["remainingBalance"] == Decimal("60.00")
    assert answer["destinationCard"]["newBalance"] == Decimal("50.00")
    out, into = shop.transactions(source["id"])[0], shop.transactions(target["id"])[0]
    assert (out["transactionType"], into["transactionType"]) == ("TRANSFER_OUT", "TRANSFER_IN")
    assert out["transferId"] == into["transferId"] == answer["transferId"]
    assert out["amount"] + into["amount"] == 0


def test_i10_a_transfer_keeps_every_limit(shop):
    source, target = shop.active("100.00"), shop.active("9999.00")
    with pytest.raises(InsufficientFunds):
        transfer(shop, source, target, "100.01")
    with pytest.raises(LimitExceeded):
        transfer(shop, source, target, "1.01")
    with pytest.raises(InvalidRequest, match="another card"):
        transfer(shop, source, source, "1.00")
    with pytest.raises(InvalidRequest, match="at most"):
        transfer(shop, source, target, "5000.01")
    with pytest.raises(WrongSecurityCode):
        transfer(shop, source, target, "1.00", code="000000")
    elsewhere = shop.another().active("1.00")
    with pytest.raises(GiftCardNotFound):
        transfer(shop, source, elsewhere, "1.00")


def test_i10_consolidation_makes_one_of_ten(shop, clock):
    cards = [shop.active(f"{n}.10") for n in range(1, 10)]
    clock.advance(days=1)
    cards.append(shop.active("10.10"))
    numbers = [card["cardNumber"] for card in cards]
    answer = shop.do("consolidate", key="k", cardNumbers=numbers, merchantId="m1")
    new = answer["newCard"]
    assert answer["totalConsolidatedAmount"] == new["balance"] == Decimal("56.00")
    assert (new["status"], new["expiresAt"]) == ("active", cards[-1]["expiresAt"])
    assert new["cardNumber"] not in numbers
    assert answer["voidedCards"] == [card["id"] for card in cards]
    assert len(answer["consolidationTransactions"]) == 11
    for card in cards:
        shown = shop.details(card["id"])
        assert (shown["status"], shown["balance"]) == ("voided", 0)
    assert shop.do("consolidate", key="k", cardNumbers=numbers, merchantId="m1") == answer


def test_i10_consolidation_refuses_what_does_not_belong_together(shop):
    one, two = shop.active("6000.00"), shop.active("6000.00")
    hers, held = shop.active("1.00", customerId="eve"), shop.active("1.00")
    shop.do("holds", held["id"], amount=1)

    def consolidate(*cards):
        numbers = [card["cardNumber"] for card in cards]
        return shop.do("consolidate", cardNumbers=numbers, merchantId="m1")

    with pytest.raises(LimitExceeded):
        consolidate(one, two)
    with pytest.raises(CardRefused, match="one customer"):
        consolidate(one, hers)
    with pytest.raises(CardRefused, match="open hold"):
        consolidate(one, held)
    with pytest.raises(CardRefused, match="is pending"):
        consolidate(one, shop.new())
    with pytest.raises(InvalidRequest, match="twice"):
        consolidate(one, one)
    with pytest.raises(InvalidRequest, match="at least 2"):
        consolidate(one)
    with pytest.raises(InvalidRequest, match=r"cardNumbers\[1\] must be a card number"):
        consolidate(one, {"cardNumber": "x"})
    with pytest.raises(GiftCardNotFound):
        consolidate(one, shop.another().active("1.00"))


def test_bulk_issue_to_recipients(shop):
    people = [{"customerName": f"N{n}", "customerEmail": f"n{n}@example.com"} for n in range(3)]
    answer = shop.do("bulk", initialValue=5, merchantId="m1", recipients=people)
    assert answer["issuedCount"] == 3
    shown = [shop.details(card["id"])["customerName"] for card in answer["cards"]]
    assert shown == ["N0", "N1", "N2"]
    for wrong in ({}, {"count": 1, "recipients": people}, {"recipients": ["x"]}, {"count": 501}):
        with pytest.raises(InvalidRequest):
            shop.do("bulk", initialValue=5, merchantId="m1", **wrong)


def test_a_recipient_is_held_to_the_fields_and_null_is_as_good_as_absent(shop):
    bulk = {"initialValue": 5, "merchantId": "m1"}
    people = [{"customerName": "N", "customerEmail": None}]
    (card,) = shop.do("bulk", **bulk, recipients=people)["cards"]
    assert shop.details(card["id"])["customerEmail"] is None
    for wrong in ({"customerName": "two\nlines"}, {"nickname": "N"}, {"customerEmail": "x"}):
        (name,) = wrong
        with pytest.raises(
            InvalidRequest, match=rf"^recipients\[1\]\.{name} (must be|is not known)"
        ):
            shop.do("bulk", **bulk, recipients=[{}, wrong])


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("customerName", 255),
        ("senderName", 255),
        ("customMessage", 500),
        ("designTemplate", 100),
    ],
)
def test_a_text_of_a_card_has_a_longest_length(shop, field, longest):
    assert shop.new("1.00", **{field: "x" * longest})[field] == "x" * longest
    with pytest.raises(InvalidRequest, match=f"^{field} must have at most {longest} characters$"):
        shop.new("1.00", **{field: "x" * (longest + 1)})


def test_i6_a_list_holds_the_callers_cards_newest_first(shop, clock):
    made = []
    for n in range(5):
        made.append(shop.new("1.00", customerId=f"u{n % 2}"))
        clock.advance(seconds=1)
    newest_first = [card["id"] for card in reversed(made)]
    assert [card["id"] for card in shop.find()[0]] == newest_first
    page, cursor = shop.find(limit=2)
    rest, end = shop.find(limit=3, cursor=cursor)
    assert [card["id"] for card in page + rest] == newest_first
    assert end is None
    assert [card["customerId"] for card in shop.find(customer("u1"))[0]] == ["u1", "u1"]
    with pytest.raises(ProgramNotFound):
        shop.find(business(OTHER_TENANT))
    with pytest.raises(InvalidRequest, match="cursor"):
        shop.find(cursor="elsewhere")


@pytest.mark.parametrize("action", ["reload-by-number", "consolidate", "transfer", "search"])
def test_i6_a_number_that_nobody_has_costs_the_reads_of_anothers(shop, action):
    source = shop.active("10.00")
    code = shop.do("resend-code", source["id"])["securityCode"]

    def ask(number):
        match action:
            case "search":
                return shop.find(text=number)
            case "transfer":
                return transfer(shop, source, {"cardNumber": number}, "1.00", code)
            case "consolidate":
                return shop.do(action, cardNumbers=[number, "1"], merchantId="m1")
            case _:
                return shop.do(action, cardNumber=number, amount=1)

    def told(number):
        with calls() as made:
            try:
                answer = ask(number)
            except GiftCardNotFound as error:
                answer = str(error)
        return answer, [name for name in made if name != "GetSecretValue"]

    of_another_tenant = shop.another(OTHER_TENANT).active("10.00")["cardNumber"]
    of_another_program = shop.another().active("10.00")["cardNumber"]
    unknown = told(vault.new_number())
    assert unknown[1].count("GetItem") >= 2
    assert unknown == told(of_another_tenant) == told(of_another_program)


def test_i6_a_customers_cursor_tells_nothing_of_others_cards(shop, clock, monkeypatch):
    monkeypatch.setattr(search, "MOST_LOOKED_AT", 2)
    mine = shop.new("1.00", customerId="u1")
    for _ in range(4):
        clock.advance(seconds=1)
        shop.new("1.00", customerId="u2")
    nothing, cursor = shop.find(customer("u1"))
    again = shop.find(customer("u1"))[1]
    assert (nothing, len(cursor)) == ([], len(again))
    assert cursor != again, "not even that two cursors are of one place"
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for item in scan("GiftCardsTable"):
        assert item["cardId"]["S"].encode() not in sealed
    nothing, cursor = shop.find(customer("u1"), cursor=cursor)
    found, end = shop.find(customer("u1"), cursor=cursor)
    assert ([card["id"] for card in found], end) == ([mine["id"]], None)
    for stranger in (customer("u2"), business(), customer("u1", OTHER_TENANT)):
        with pytest.raises((InvalidRequest, ProgramNotFound)):
            shop.find(stranger, cursor=again)
    with pytest.raises(InvalidRequest):
        shop.another().find(customer("u1"), cursor=again)


@pytest.mark.parametrize("cursor", ["", "AA", "WyJhIl0", "e", "A" * 100, "é"])
def test_what_was_not_sealed_here_is_no_cursor(shop, cursor):
    earlier = encode(shop.new("1.00")["id"])
    for text in (cursor, earlier):
        with pytest.raises(InvalidRequest, match=r"^cursor is not one of ours$"):
            shop.find(cursor=text)


def test_search_covers_number_last_four_name_and_mail(shop, clock):
    jane = shop.active("5.00", customerName="Jane Doe", customerEmail="jane@example.com")
    shop.new("5.00", customerName="Bob")
    for text in (jane["cardNumber"], jane["lastFourDigits"], "jane", "DOE", "jane@example"):
        assert jane["id"] in [card["id"] for card in shop.find(text=text)[0]]
    assert shop.find(text="nobody") == ([], None)
    assert [card["id"] for card in shop.find(positive_balance=True)[0]] == [jane["id"]]
    assert len(shop.find(status=Status.PENDING)[0]) == 1
    clock.advance(days=365)
    assert len(shop.find(status=Status.EXPIRED)[0]) == 2
    elsewhere = shop.another()
    assert elsewhere.find(text=jane["cardNumber"]) == ([], None)


def test_numbers_and_codes_are_not_in_the_table(cloud, shop):
    card = shop.active("5.00")
    code = shop.do("resend-code", card["id"])["securityCode"]
    items = cloud.client("dynamodb").scan(TableName="GiftCardsTable")["Items"]
    kept = "".join(
        repr(value) for item in items for name, value in item.items() if name != "lastFourDigits"
    )
    assert card["cardNumber"] not in kept
    assert f"'{code}'" not in kept
