"""Each action in each status, and what it keeps and says: one table, so that no rule is missed."""

from decimal import Decimal

import pytest

from cardvault.core.clock import to_text
from cardvault.errors import CardRefused, GiftCardNotFound, LimitExceeded
from cardvault.giftcards.ledger.records import EntryRecord

# The last one takes a year.
STATUSES = ("pending", "active", "depleted", "suspended", "voided", "expired")
POS = {
    "posTransactionId": "till-1",
    "cashierId": "cashier-1",
    "terminalId": "terminal-1",
    "description": "at the till",
}
REMARKS = {"referenceId": "r-1", "description": "as agreed"}
PERSON = {
    "customerId": "ada-1",
    "customerEmail": "ada@example.com",
    "customerPhone": "+442071838750",
    "customerName": "Ada",
}
OTHERS = {"newOwnerName": "Eve", "newOwnerEmail": "eve@example.com"}
# action -> body, statuses it takes, the answer's message, the entry's type, what the entry keeps
ACTIONS = {
    "activate": ({}, "pending", None, "ACTIVATION", {}),
    "reload": ({"amount": 1, **REMARKS}, "active depleted", None, "RELOAD", REMARKS),
    "redeem": (
        {"amount": 1, **POS},
        "active",
        "Gift card redeemed",
        "REDEMPTION",
        POS,
    ),
    "refund": (
        {"amount": 1, "reason": "returned", "posTransactionId": "till-2"},
        "active depleted suspended",
        "Transaction refunded",
        "REFUND",
        {"description": "returned", "posTransactionId": "till-2"},
    ),
    "holds": ({"amount": 1, **POS}, "active", "Amount held", "HOLD", POS),
    "capture": ({"amount": 1, **POS}, "active", "Hold captured", "CAPTURE", POS),
    "release": (
        {"reason": "cancelled"},
        "active suspended",
        "Hold released",
        "RELEASE",
        {"description": "cancelled"},
    ),
    "suspend": (
        {"reason": "lost"},
        "active depleted",
        None,
        "SUSPENSION",
        {"description": "lost"},
    ),
    "unsuspend": ({}, "suspended", None, "UNSUSPENSION", {}),
    "void": (
        {"reason": "fraud", "refundReference": "bank-1"},
        "pending active depleted suspended expired",
        "Gift card voided",
        "VOID",
        {"description": "fraud", "referenceId": "bank-1"},
    ),
    "process-expired": (
        {"action": "refund", "refundReference": "bank-1"},
        "expired",
        "Balance paid out",
        "VOID",
        {"referenceId": "bank-1"},
    ),
    "adjustments": (
        {"amount": 1, "reason": "counted wrong", "referenceId": "r-1"},
        "active depleted suspended",
        None,
        "ADJUSTMENT",
        {"description": "counted wrong", "referenceId": "r-1"},
    ),
    "transfer-ownership": (
        {**OTHERS, "referenceId": "r-1"},
        "active",
        None,
        "OWNERSHIP_TRANSFER",
        {"referenceId": "r-1"},
    ),
    "resend-code": ({}, "pending active depleted suspended", None, "RESEND_CODE", {}),
}


class Prepared:
    """A card in a status, with a redemption to refund and, where it has one, an open hold."""

    def __init__(self, shop, clock, status):
        self.shop, self.id, self.items = shop, shop.new("20.00")["id"], {}
        if status != "pending":
            shop.do("activate", self.id)
            self.items["refund"] = shop.redeem(self.id, "5.00")["transactionId"]
        if status == "depleted":
            shop.redeem(self.id, "15.00")
        elif status != "pending":
            held = shop.do("holds", self.id, amount=Decimal(5))["holdId"]
            if status in {"active", "suspended"}:
                self.items |= {"capture": held, "release": held}
        if status == "suspended":
            shop.do("suspend", self.id, reason="fraud check")
        if status == "voided":
            shop.do("void", self.id, reason="stolen")
        if status == "expired":
            clock.advance(days=365)
        assert shop.details(self.id)["status"] == status

    def has(self, action):
        """Whether there is something for the action to be about."""
        return action in self.items or action not in {"refund", "capture", "release"}

    def do(self, action):
        body, *_ = ACTIONS[action]
        return self.shop.do(action, self.id, self.items.get(action, ""), **body)


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_takes_a_card_in_these_statuses_and_no_other(shop, clock, action):
    _, allowed, message, kind, kept = ACTIONS[action]
    for status in STATUSES:
        card = Prepared(shop, clock, status)
        if not card.has(action):
            assert status not in allowed.split()
        elif status in allowed.split():
            assert card.do(action).get("message") == message, status
            newest = shop.transactions(card.id)[0]
            assert newest["transactionType"] == kind, status
            assert {name: newest[name] for name in kept} == kept, status
        else:
            before = shop.details(card.id, transactions=True)
            # What asks a depleted card for money hears that there is none, which says more.
            with pytest.raises(CardRefused, match=f"is {status}|Insufficient funds: 0.00"):
                card.do(action)
            assert shop.details(card.id, transactions=True) == before, status


GIFT = {
    **PERSON,
    "senderName": "Bob",
    "customMessage": "Happy birthday",
    "designTemplate": "birthday",
    "isPhysical": True,
}


def test_a_new_card_shows_all_that_was_said_of_it(shop, clock):
    delivered = to_text(clock.now)
    card = shop.new(**GIFT, deliverAt=delivered)
    assert {name: card[name] for name in GIFT} == GIFT
    assert card["deliverAt"] == delivered
    assert card["merchantId"] == "merchant_123"


def test_an_activation_says_whose_the_card_is(shop):
    card = shop.do("activate", shop.new()["id"], **PERSON)
    assert {name: card[name] for name in PERSON} == PERSON


def test_a_hand_over_leaves_nothing_of_the_former_owner(shop):
    card = shop.active(**PERSON)
    code = shop.do("resend-code", card["id"])["securityCode"]
    new = shop.do("transfer-ownership", card["id"], **OTHERS, newCustomerId="eve-1")
    shown = {name: new[name] for name in PERSON}
    assert shown == {
        "customerId": "eve-1",
        "customerEmail": "eve@example.com",
        "customerPhone": None,
        "customerName": "Eve",
    }
    with pytest.raises(GiftCardNotFound):
        shop.check_balance(card["cardNumber"], code)


def test_i10_all_that_is_left_of_a_redemption_can_be_named_and_no_more(shop):
    card = shop.active("20.00")
    taken = shop.redeem(card["id"], "10.00")["transactionId"]
    shop.do("refund", card["id"], taken, amount=Decimal("4.00"))
    with pytest.raises(LimitExceeded, match=r"at most 6\.00"):
        shop.do("refund", card["id"], taken, amount=Decimal("6.01"))
    back = shop.do("refund", card["id"], taken, amount=Decimal("6.00"))
    assert (back["refundedAmount"], back["remainingBalance"]) == (Decimal("6.00"), Decimal("20.00"))
    with pytest.raises(LimitExceeded, match="refunded already"):
        shop.do("refund", card["id"], taken, amount=Decimal("0.01"))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"action": "void"}, ("void", "Balance forfeited", "VOID")),
        ({"action": "refund"}, ("refund", "Balance paid out", "VOID")),
        ({"action": "extend", "extensionDays": 1}, ("extend", "Gift card extended", "EXTENSION")),
    ],
)
def test_an_expired_card_is_processed_as_asked(shop, clock, asked, told):
    card_id = Prepared(shop, clock, "expired").id
    answer = shop.do("process-expired", card_id, **asked)
    kind = shop.transactions(card_id)[0]["transactionType"]
    assert (answer["action"], answer["message"], kind) == told
    assert (answer["success"], answer["cardId"]) == (True, card_id)


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("pending", "activate it first"),
        ("suspended", "unsuspend it first"),
        ("expired", "extend it first, by process-expired"),
    ],
)
def test_a_card_that_takes_no_money_says_what_comes_first(shop, clock, status, way_out):
    card_id = Prepared(shop, clock, status).id
    with pytest.raises(CardRefused, match=f"^the gift card is {status}; {way_out}$"):
        shop.do("reload", card_id, amount=1)


def test_an_extension_says_until_when(shop, clock):
    card_id = Prepared(shop, clock, "expired").id
    answer = shop.do("process-expired", card_id, action="extend", extensionDays=1)
    entries = [entry for entry in EntryRecord.query(card_id) if entry.seq is not None]
    newest = max(entries, key=lambda entry: entry.seq)
    assert newest.until == answer["newExpiresAt"] == shop.details(card_id)["expiresAt"]


def test_a_transfer_is_an_entry_on_each_card_with_the_same_remarks(shop):
    source, target = shop.active("20.00"), shop.active("1.00")
    code = shop.do("resend-code", source["id"])["securityCode"]
    wanted = {"destinationCardNumber": target["cardNumber"], "amount": Decimal(5), **REMARKS}
    answer = shop.do("transfer", source["id"], securityCode=code, **wanted)
    assert answer["message"] == "Balance transferred"
    for card, kind in ((source, "TRANSFER_OUT"), (target, "TRANSFER_IN")):
        newest = shop.transactions(card["id"])[0]
        assert newest["transactionType"] == kind
        assert newest["transferId"] == answer["transferId"]
        assert {name: newest[name] for name in REMARKS} == REMARKS


def test_cards_are_consolidated_into_one_of_the_same_customer(shop):
    cards = [shop.active(value, **PERSON) for value in ("3.00", "4.00")]
    numbers = [card["cardNumber"] for card in cards]
    answer = shop.do("consolidate", cardNumbers=numbers, merchantId="m-1", **REMARKS)
    new = answer["newCard"]
    assert answer["message"] == "2 gift cards consolidated"
    assert {name: new[name] for name in PERSON} == PERSON
    assert (new["balance"], new["initialValue"]) == (Decimal("7.00"), Decimal("7.00"))
    for card in (new, *cards):
        newest = shop.transactions(card["id"])[0]
        assert newest["transactionType"] == "CONSOLIDATION"
        assert {name: newest[name] for name in REMARKS} == REMARKS
