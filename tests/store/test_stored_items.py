"""What the code of commit 951a07e has stored: read by today's code, and written on top of."""

import importlib
import pkgutil
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

import cardvault
from cardvault.audit import trail
from cardvault.audit.chain import head_of
from cardvault.aws import boto_clients, tables
from cardvault.claims.claim import ClaimRequest
from cardvault.core import decimal_json
from cardvault.core.clock import from_text
from cardvault.errors import (
    AddressSuppressed,
    CardsShredded,
    CodeTooOld,
    DownloadExpired,
    GiftCardNotFound,
    IdempotencyKeyReused,
    InvalidRequest,
    LimitExceeded,
    LinkUnusable,
    MailOutcomeUnknown,
    OrderNotFound,
    PlacementUnknown,
    StoredCardsDiffer,
    SupplierOrderTaken,
    TooManyRequests,
    WrongCode,
)
from cardvault.fulfilment.outcome import record_refund
from cardvault.giftcards import define_programs
from cardvault.giftcards.operations import issue
from cardvault.giftcards.security.guard import find_guard, guard_key
from cardvault.identity import clients
from cardvault.identity.clients import ApiClient
from cardvault.links import AccessLink
from cardvault.mail.daily_totals import MailsToAddress
from cardvault.mail.suppression import Suppression
from cardvault.orders import audit, views
from cardvault.orders.shred import shred_cards
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.rewrap import RewrapDataKeys
from tests.support import stored_items
from tests.support.chaining import chain_everything, first_break, verified
from tests.support.delivery import ORIGIN, Desk
from tests.support.doubles import caller, canary_cards
from tests.support.every_order import ADDRESS, PASSCODE
from tests.support.giftcards import GiftShop
from tests.support.stored_items import DUMP

ORDERS, CLIENTS, GIFTS = (DUMP["told"][kind] for kind in ("orders", "clients", "giftCards"))
SEALED = [name for name, known in ORDERS.items() if "cards" in known and name != "shredded"]
ADOPTER = caller(scopes="orders:adopt orders:correct")

# How to tell the kinds that share a table: by how the key named begins.
OF_KIND = {
    "OrderRecord": ("sk", "ORDER"),
    "SealedPage": ("sk", "CARDS#"),
    "Mark": ("orderId", ("IDEM#", "SUPPLIER#")),
    "Suppression": ("orderId", "ADDRESS#"),
    "CardRecord": ("sk", "CARD"),
    "EntryRecord": ("sk", "ENTRY#"),
    "IdempotencyRecord": ("sk", "IDEM#"),
    "CardNumberRecord": ("sk", "NUMBER"),
    "RefundTotal": ("sk", "REFUNDED#"),
}
# What was first stored after 951a07e.
YOUNGER_ATTRIBUTES = {"storingAttempt", "storingAt", "cardsPerPage", "mailId", "attempt"}
YOUNGER_ATTRIBUTES |= {"version", "eventId", "hashSalt", "orderHash", "accessHash", "cardHash"}
YOUNGER_ATTRIBUTES |= {"mailFailedAt", "mailDay", "mails", "wrongTries"}
YOUNGER_ATTRIBUTES |= {"shown", "files", "clientId", "countedOn", "unfinished"}
YOUNGER_ATTRIBUTES |= {"erasedAt", "formerCodes", "title", "instructions", "redeemUrl"}
YOUNGER_ATTRIBUTES |= {"failures", "failingUntil", "throttledUntil", "probingUntil"}
YOUNGER_ATTRIBUTES |= {"second", "asked"}
YOUNGER_KINDS = [
    {"orderId", "sk", "refusedVersion", "refusedUntil", "blockedUntil"},
    {"subjectId", "seq", "lastSeq", "lastHash"},
    {"orderId", "sk", "sentOn", "sent"},
    {"orderId", "sk", "cardsPerOrder", "cardsPerDay", "day", "cardsOfDay"},
    {"markKey", "orderId", "marks"},
    {"orderId", "sk", "shredAfterDays", "shredAfterDeliveryDays", "eraseAfterDays"},
    {"orderId", "sk", "appliedOn", "appliedUpTo"},
]


@pytest.fixture
def steps(steps):
    """An account that holds the dump, at the moment it was made."""
    settings = steps.cloud.settings
    stored_items.load(settings.card_key_arn)
    settings.environment["CARD_KEY_ARN"] = DUMP["kmsKey"]["arn"]
    tables.use(settings, AccessLink, MailsToAddress, Suppression, ApiClient)
    steps.clock.now = from_text(DUMP["at"])
    return steps


@pytest.fixture
def desk(steps):
    return Desk(steps)


@pytest.fixture
def shop(steps):
    """The gift shop, whose ledger must add up after every test (I10)."""
    shop = GiftShop.reopen(steps.cloud.settings, steps.clock, GIFTS["programId"])
    yield shop
    assert shop.verify() == []


def id_of(name):
    return ORDERS[name]["orderId"]


def claim(name, token="token", session=None):
    return ClaimRequest(ORDERS[name][token], session, ORIGIN)


def revealed(steps, name):
    """All of an order's cards, page by page."""
    cards, page = [], 0
    while page is not None:
        shown = steps.reveal(id_of(name), page)
        cards += [[card.value, card.serial] for _, card in shown.cards]
        page = shown.next_page
    return cards


# --- nothing is left out --------------------------------------------------------------------------


def items_of(kind):
    name, beginning = OF_KIND.get(kind, ("", ""))
    found = DUMP["tables"][DUMP["kinds"][kind]["table"]]
    return [item for item in found if not name or item[name]["S"].startswith(beginning)]


@pytest.mark.parametrize("kind", DUMP["kinds"])
def test_every_attribute_that_existed_is_in_the_dump(kind):
    stored = set().union(*items_of(kind))
    assert stored == set(DUMP["kinds"][kind]["attributes"])


def models():
    """The stored names of every PynamoDB model of the layer."""
    for module in pkgutil.walk_packages(cardvault.__path__, "cardvault."):
        importlib.import_module(module.name)
    for model in tables.Record.__subclasses__():
        if model.__module__.startswith("cardvault."):
            yield {attribute.attr_name for attribute in model.get_attributes().values()}


def test_every_model_of_today_reads_items_of_the_dump_or_is_younger():
    known = [set(kind["attributes"]) for kind in DUMP["kinds"].values()] + YOUNGER_KINDS
    for names in models():
        assert any(names - YOUNGER_ATTRIBUTES <= attributes for attributes in known), names


def test_every_attribute_of_the_dump_is_read_by_a_model_of_today():
    today = list(models())
    for kind in DUMP["kinds"].values():
        assert any(set(kind["attributes"]) <= names for names in today), kind


# --- orders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEALED)
def test_i2_stored_cards_are_revealed_again_and_again(steps, name):
    for _ in range(2):
        assert revealed(steps, name) == ORDERS[name]["cards"]
    assert verified(id_of(name)) is None
    with pytest.raises(OrderNotFound):
        steps.reveal(id_of(name), by=caller("bob"))
    assert steps.events(id_of(name))[-1] == "REVEAL_REFUSED"


def test_i7_every_stored_trail_holds(steps):
    for name in ORDERS:
        assert verified(id_of(name)) is None, name
        events, after = audit.trail_of(id_of(name), caller(), after=0, limit=100)
        assert after is None
        assert events[0]["event"] == ("ORDER_ADOPTED" if name == "adopted" else "ORDER_CREATED")


def test_i3_the_same_request_under_the_same_key_is_the_stored_order(steps):
    for known in ORDERS.values():
        wanted = {"productId": None, "typeId": None, "quantity": None, **known["body"]}
        for _ in range(2):
            assert steps.create(known["key"], ADOPTER, **wanted).order_id == known["orderId"]
        with pytest.raises(IdempotencyKeyReused):
            steps.create(known["key"], ADOPTER, productId="P2")


def test_i3_a_supplier_s_order_is_still_one_order_s(steps):
    for name, known in ORDERS.items():
        if "supplierOrderId" not in known:
            continue
        steps.supplier.placing.append(known["supplierOrderId"])
        another = steps.create(f"another-{name.replace(' ', '-')}")
        with pytest.raises(PlacementUnknown):
            steps.place(another.order_id)
    body = {"productId": None, "typeId": None, "quantity": None, **ORDERS["adopted"]["body"]}
    with pytest.raises(SupplierOrderTaken):
        steps.create("adopts-it-again", ADOPTER, **body)


@pytest.mark.parametrize("name", ["received", "attention"])
def test_an_order_that_was_not_placed_is_placed_and_stored(steps, name):
    order_id = id_of(name)
    steps.supplier.placing.append(f"S-{order_id}")
    steps.supplier.has(f"S-{order_id}")
    assert steps.place(order_id).status == "placed"
    assert steps.store(order_id).status == "fulfilled"
    assert len(steps.reveal(order_id).cards) == 3
    assert verified(order_id) is None


def test_i3_a_placing_whose_answer_was_lost_stays_in_doubt_until_it_is_reconciled(steps):
    order_id = id_of("placing")
    with pytest.raises(PlacementUnknown):
        steps.place(order_id)
    placed_at = from_text(steps.create("order-placing").placing_at)
    steps.supplier.has("S-FOUND", created_at=placed_at + timedelta(seconds=1))
    assert steps.reconcile(order_id).supplier_order_id == "S-FOUND"
    assert steps.store(order_id).status == "fulfilled"
    assert verified(order_id) is None


@pytest.mark.parametrize("name", ["placed", "handling", "adopted"])
def test_a_placed_order_is_stored(steps, name):
    steps.supplier.has(ORDERS[name]["supplierOrderId"])
    assert steps.store(id_of(name)).status == "fulfilled"
    assert len(steps.reveal(id_of(name)).cards) == 3
    assert verified(id_of(name)) is None


def test_a_refund_is_recorded_once(steps):
    seq = steps.create("order-refunded").version
    refunded = record_refund(id_of("refunded"), clock=steps.clock)
    assert (refunded.status, refunded.version) == ("refunded", seq)


def test_i4_the_same_cards_are_stored_already_and_others_are_refused(steps):
    known = ORDERS["stored"]
    cards = canary_cards(3, "STORED")
    steps.supplier.has(known["supplierOrderId"], cards=tuple(reversed(cards)))
    before = steps.create(known["key"]).version
    assert steps.store(known["orderId"]).version == before
    other = replace(cards[0], serial="ANOTHER")
    steps.supplier.has(known["supplierOrderId"], cards=(other, *cards[1:]))
    with pytest.raises(StoredCardsDiffer):
        steps.store(known["orderId"])


@pytest.mark.parametrize("name", SEALED)
def test_i8_stored_cards_are_shredded(steps, name):
    shred_cards(id_of(name), caller(), clock=steps.clock)
    with pytest.raises(CardsShredded):
        steps.reveal(id_of(name))
    assert verified(id_of(name)) is None
    left = [*stored_items.scan("OrdersTable"), *stored_items.scan("DataKeysTable")]
    kept = {item.get("sk", {}).get("S") for item in left if item["orderId"]["S"] == id_of(name)}
    assert kept == {"ORDER"}


def test_i8_what_was_shredded_stays_so(steps):
    with pytest.raises(CardsShredded):
        steps.reveal(id_of("shredded"))
    seq = steps.create("order-shredded").version
    assert shred_cards(id_of("shredded"), caller(), clock=steps.clock).version == seq


def test_stored_keys_are_wrapped_anew(steps):
    keyring = Keyring(boto_clients.kms(), steps.cloud.settings.card_key_arn)
    steps.clock.advance(days=400)
    assert RewrapDataKeys(keyring, clock=steps.clock)(steps.clock()).rewrapped == len(SEALED)
    assert revealed(steps, "partly") == ORDERS["partly"]["cards"]


def test_stored_orders_are_listed(steps):
    orders, cursor = views.page(caller(), limit=7, cursor=None)
    found = list(orders)
    while cursor:
        orders, cursor = views.page(caller(), limit=7, cursor=cursor)
        found += orders
    assert sorted(order.order_id for order in found) == sorted(map(id_of, ORDERS))


# --- mail and links -------------------------------------------------------------------------------


def test_i9_mail_that_was_sent_or_may_have_been_is_not_sent_again(desk):
    desk.order_mailer.deliver(id_of("mailed"))
    with pytest.raises(MailOutcomeUnknown):
        desk.order_mailer.deliver(id_of("mailing"))
    assert desk.mailer.tries == 0


@pytest.mark.parametrize("name", ["mailed", "wrong once", "locked", "resent", "claimed"])
def test_i5_mail_sent_again_ends_the_stored_link(desk, name):
    desk.clock.advance(seconds=31)
    desk.resend(id_of(name), None, caller())
    with pytest.raises(LinkUnusable):
        desk.open(claim(name))
    assert not desk.open(ClaimRequest(desk.mailer.token(), None, ORIGIN))[2]
    assert verified(id_of(name)) is None


def test_a_stored_complaint_holds_until_the_address_is_given_again(desk):
    desk.clock.advance(seconds=31)
    for address in ("Grace@example.com", "GRACE@EXAMPLE.COM"):
        order = desk.steps.stored_for(key=address, email=address)
        with pytest.raises(AddressSuppressed):
            desk.order_mailer.deliver(order)
    with pytest.raises(AddressSuppressed):
        desk.resend(id_of("complained"), None, caller())
    desk.resend(id_of("complained"), "grace@example.com", ADOPTER)
    assert desk.mailer.sent[-1][0] == "grace@example.com"


def test_i5_a_stored_code_claims_the_link_once(desk):
    with pytest.raises(WrongCode):
        desk.redeem(claim("mailed"), "000000", None)
    session = desk.redeem(claim("mailed"), ORDERS["mailed"]["code"], "claim-2")
    shown = desk.reveal(claim("mailed", session=session), 0)
    assert [[card.value, card.serial] for _, card in shown.cards] == ORDERS["mailed"]["cards"]
    with pytest.raises(LinkUnusable):
        desk.redeem(claim("mailed"), ORDERS["mailed"]["code"], "claim-3")
    assert verified(id_of("mailed")) is None


def test_a_stored_code_ends_after_ten_minutes_and_another_takes_its_place(desk):
    desk.clock.advance(minutes=10)
    with pytest.raises(CodeTooOld):
        desk.redeem(claim("mailed"), ORDERS["mailed"]["code"], None)
    desk.send_code(claim("mailed"))
    assert desk.redeem(claim("mailed"), desk.mailer.code(), None)


def test_a_stored_session_shows_the_cards_and_its_repeat_is_the_same(desk):
    known = ORDERS["claimed"]
    assert desk.redeem(claim("claimed"), known["code"], known["claimKey"]) == known["session"]
    mine = claim("claimed", session=known["session"])
    assert desk.open(mine)[2]
    assert [[card.value, card.serial] for _, card in desk.reveal(mine, 0).cards] == known["cards"]
    assert desk.create.for_claimant(mine, "json").token
    with pytest.raises(LinkUnusable):
        desk.reveal(claim("claimed", session="0" * 64), 0)
    desk.clock.advance(minutes=10)
    with pytest.raises(LinkUnusable):
        desk.reveal(mine, 0)


def test_a_claimed_link_is_renewed(desk):
    desk.clock.advance(minutes=10)
    desk.renew(claim("claimed"))
    assert desk.mailer.sent[-1][0] == ADDRESS
    assert not desk.open(ClaimRequest(desk.mailer.token(), None, ORIGIN))[2]


def test_a_stored_passcode_opens_and_stored_wrong_tries_count(desk):
    for _ in range(3):
        with pytest.raises(WrongCode):
            desk.redeem(claim("wrong once"), "still wrong", None)
    assert desk.redeem(claim("wrong once"), PASSCODE, None)


def test_a_fifth_wrong_try_locks_a_stored_link(desk):
    for expected in [WrongCode] * 3 + [LinkUnusable]:
        with pytest.raises(expected):
            desk.redeem(claim("wrong once"), "still wrong", None)
    with pytest.raises(LinkUnusable):
        desk.redeem(claim("wrong once"), PASSCODE, None)


@pytest.mark.parametrize(("name", "token"), [("locked", "token"), ("resent", "replacedToken")])
def test_i5_a_stored_link_that_is_over_stays_so_and_the_trail_is_told(desk, name, token):
    with pytest.raises(LinkUnusable):
        desk.redeem(claim(name, token), PASSCODE, None)
    desk.renew(claim(name, token))
    assert desk.mailer.tries == 0
    assert desk.events(id_of(name))[-1] == "CLAIM_REFUSED"
    assert verified(id_of(name)) is None


@pytest.mark.parametrize("name", ["unguarded", "resent"])
def test_a_stored_link_ends_with_its_time(desk, name):
    assert not desk.open(claim(name))[2]
    desk.clock.advance(days=7)
    with pytest.raises(LinkUnusable):
        desk.redeem(claim(name), None, None)


def test_an_unguarded_link_is_claimed_without_a_code(desk):
    assert desk.redeem(claim("unguarded"), None, None)


def test_i5_a_stored_download_token_works_once(desk):
    token = ORDERS["downloaded"]["downloadToken"]
    assert desk.download(token, None, ORIGIN).startswith("https://")
    with pytest.raises(DownloadExpired):
        desk.download(token, None, ORIGIN)
    assert verified(id_of("downloaded")) is None


def test_a_used_download_is_answered_again_for_ten_seconds_to_who_knows_the_key(desk):
    known = ORDERS["downloaded"]
    desk.clock.advance(seconds=-31)
    assert desk.download(known["usedDownloadToken"], known["repeatKey"], ORIGIN)
    with pytest.raises(DownloadExpired):
        desk.download(known["usedDownloadToken"], "another", ORIGIN)
    desk.clock.advance(seconds=10)
    with pytest.raises(DownloadExpired):
        desk.download(known["usedDownloadToken"], known["repeatKey"], ORIGIN)


# --- API clients ----------------------------------------------------------------------------------


def known_by(steps, name, secret="secret"):
    known = CLIENTS[name]
    return clients.authenticate(known["clientId"], known[secret], clock=steps.clock)


def test_a_stored_client_is_known_by_its_secrets(steps):
    assert list(known_by(steps, "live").scopes) == ["orders:read"]
    assert known_by(steps, "rotated")
    assert known_by(steps, "rotated", "oldSecret")
    assert known_by(steps, "revoked") is None
    assert clients.authenticate(CLIENTS["live"]["clientId"], "wrong", clock=steps.clock) is None
    steps.clock.advance(hours=24)
    assert known_by(steps, "rotated")
    assert known_by(steps, "rotated", "oldSecret") is None


@pytest.mark.parametrize("name", ["live", "rotated"])
def test_a_stored_client_is_rotated_and_revoked(steps, name):
    steps.clock.advance(hours=1)
    new = clients.rotate(CLIENTS[name]["clientId"], clock=steps.clock)
    assert known_by(steps, name), "for a day"
    assert clients.authenticate(new.client.client_id, new.secret, clock=steps.clock)
    clients.revoke(new.client.client_id, clock=steps.clock)
    assert known_by(steps, name) is None


# --- gift cards -----------------------------------------------------------------------------------

CARDS = GIFTS["cards"]
STATUS = {
    "pending": "pending",
    "spent": "active",
    "target": "active",
    "expired": "expired",
    "suspended": "suspended",
    "extended": "active",
    "voided": "voided",
    "handed over": "active",
    "one": "voided",
    "two": "voided",
    "consolidated": "active",
}
ALIVE = [name for name, status in STATUS.items() if status == "active"]


def card(name):
    return CARDS[name]["id"]


def ask(shop, request, **more):
    body = {**decimal_json.loads(request["body"]), **more}
    names = request["action"], request["cardId"], request["itemId"]
    return shop.do(*names, key=request["key"], **body)


ANOTHER = {
    "amount": Decimal("0.02"),
    "initialValue": Decimal("1.00"),
    "reason": "Another",
    "extensionDays": 31,
    "referenceId": "another",
}


def test_i10_the_same_request_under_the_same_key_has_the_first_answer(shop):
    before = stored_items.scan("GiftCardsTable")
    for asked in GIFTS["requests"]:
        assert decimal_json.dumps(ask(shop, asked)) == asked["answer"]
        body = decimal_json.loads(asked["body"])
        changed = {name: other for name, other in ANOTHER.items() if name in body}
        with pytest.raises(IdempotencyKeyReused):
            ask(shop, asked, **(changed or {"customerName": "Eve"}))
    assert stored_items.scan("GiftCardsTable") == before


def test_a_repeated_transfer_need_not_prove_the_stored_code_again(shop):
    (asked,) = (asked for asked in GIFTS["requests"] if asked["action"] == "transfer")
    shop.do("resend-code", card("spent"))
    assert decimal_json.dumps(ask(shop, asked)) == asked["answer"]


def test_i10_every_stored_ledger_adds_up_from_its_first_entry_on(shop):
    assert shop.verify() == []
    for name in CARDS:
        entries = shop.transactions(card(name))
        assert entries[-1]["balanceBefore"] == 0
        assert entries[0]["balanceAfter"] == shop.details(card(name))["balance"]


def test_a_stored_card_is_shown_with_its_number_and_stands_where_it_stood(shop):
    shown = {name: shop.details(known["id"]) for name, known in CARDS.items()}
    assert {name: view["status"] for name, view in shown.items()} == STATUS
    for name, known in CARDS.items():
        assert shown[name]["cardNumber"] == known["cardNumber"]


def test_stored_cards_are_listed(shop):
    cards, _ = shop.find()
    found = {shown["id"] for shown in cards}
    assert {known["id"] for known in CARDS.values()} < found
    assert len(found) == len(CARDS) + 2, "and the two of a bulk"


@pytest.mark.parametrize("name", ALIVE)
def test_i10_a_stored_card_is_spent_from_and_refunded(shop, name):
    before = shop.details(card(name))["balance"]
    spent = shop.redeem(card(name), "1.00")
    assert spent["remainingBalance"] == before - 1
    shop.do("refund", card(name), spent["transactionId"])
    shop.do("reload", card(name), amount=Decimal("2.00"))
    assert shop.details(card(name))["balance"] == before + 2


def test_a_stored_pending_card_is_activated(shop):
    assert shop.do("activate", card("pending"))["balance"] == 100


def test_of_a_stored_refund_the_rest_is_left(shop):
    redemption = CARDS["spent"]["redemption"]
    with pytest.raises(LimitExceeded, match=r"10\.00"):
        shop.do("refund", card("spent"), redemption, amount=Decimal("10.01"))
    assert shop.do("refund", card("spent"), redemption)["refundedAmount"] == 10
    with pytest.raises(LimitExceeded):
        shop.do("refund", card("spent"), redemption)


@pytest.mark.parametrize(("action", "taken"), [("capture", 10), ("release", 0)])
def test_a_stored_hold_is_captured_or_released(shop, action, taken):
    before = shop.details(card("spent"))
    assert before["heldAmount"] == 10
    shop.do(action, card("spent"), CARDS["spent"]["openHold"])
    after = shop.details(card("spent"))
    assert (after["heldAmount"], after["balance"]) == (0, before["balance"] - taken)


def test_money_moves_by_stored_numbers_and_the_stored_code(shop):
    moved = shop.do(
        "transfer",
        card("spent"),
        securityCode=CARDS["spent"]["securityCode"],
        destinationCardNumber=CARDS["extended"]["cardNumber"],
        amount=Decimal("1.00"),
    )
    assert moved["destinationCard"]["newBalance"] == 101
    number = CARDS["target"]["cardNumber"]
    shown = shop.do("reload-by-number", cardNumber=number, amount=Decimal("1.00"))
    assert (shown["id"], shown["balance"]) == (card("target"), 111)
    numbers = [CARDS[name]["cardNumber"] for name in ("target", "extended")]
    new = shop.do("consolidate", cardNumbers=numbers, merchantId="m")["newCard"]
    assert new["balance"] == 212


def test_stored_cards_are_managed(shop):
    assert shop.do("unsuspend", card("suspended"))["status"] == "active"
    assert shop.do("suspend", card("target"), reason="Lost")["status"] == "suspended"
    adjusted = shop.do("adjustments", card("spent"), amount=Decimal("1.00"), reason="Gift")
    assert adjusted["balance"] > 0
    owner = {"newOwnerName": "Eve", "newOwnerEmail": "eve@example.com"}
    assert shop.do("transfer-ownership", card("spent"), **owner)["customerName"] == "Eve"
    shop.do("process-expired", card("expired"), action="extend", extensionDays=9)
    assert shop.redeem(card("expired"), "100.00")["remainingBalance"] == 0
    for name in ("pending", "handed over"):
        assert shop.do("void", card(name), reason="over")["success"]


def test_a_stored_suspension_lifts_at_its_end_and_stored_expiries_are_posted(shop, clock):
    clock.advance(days=9)
    assert shop.details(card("suspended"))["status"] == "active"
    clock.advance(days=450)
    open_cards = len(CARDS) + 2 - sum(name in {"expired", "voided", "one", "two"} for name in CARDS)
    assert shop.expire() == open_cards
    assert shop.expire() == 0


def test_a_stored_number_is_given_to_no_other_card(shop, monkeypatch):
    numbers = iter([CARDS["pending"]["cardNumber"], GIFTS["unknownNumber"]])
    monkeypatch.setattr(issue, "new_number", lambda: next(numbers))
    assert shop.new()["cardNumber"] == GIFTS["unknownNumber"]


def test_a_stored_program_keeps_its_limits_and_is_changed(shop):
    with pytest.raises(InvalidRequest, match=r"500\.00"):
        shop.do("reload", card("spent"), amount=Decimal("500.01"))
    wanted = {"programId": GIFTS["programId"], "maxReload": 501}
    assert define_programs.view(define_programs.update(wanted))["maxReload"] == 501
    shop.do("reload", card("spent"), amount=Decimal("500.01"))


# --- guards ---------------------------------------------------------------------------------------


def guard_of(shop, number):
    return find_guard(guard_key(shop.numbers.index_of(number)))


def test_a_stored_number_and_code_tell_the_balance(shop):
    known = CARDS["spent"]
    told = shop.check_balance(known["cardNumber"], known["securityCode"])
    assert told["id"] == known["id"]
    assert guard_of(shop, known["cardNumber"]).failures == 0


@pytest.mark.parametrize("known", [True, False])
def test_i6_stored_failures_count_for_a_number_known_or_not(shop, known):
    number = CARDS["spent"]["cardNumber"] if known else GIFTS["unknownNumber"]
    wrong = f"{(int(CARDS['spent']['securityCode']) + 1) % 10**6:06d}"
    for n, expected in enumerate([GiftCardNotFound] * 4 + [TooManyRequests]):
        with pytest.raises(expected):
            shop.check_balance(number, wrong, f"203.0.113.{n}")
    guard = guard_of(shop, number)
    assert guard.failures == 5
    if known:
        chain_everything(card("spent"))
        events = list(trail.read(card("spent")))
        assert first_break(events, head_of(card("spent"))) is None
        assert len(events) == 5
        assert guard.audit_hash in {event.hash for event in events[:1]}
        assert (guard.audit_seq, guard.delete_after) == (None, None)
    shop.clock.advance(hours=1)
    if known:
        assert shop.check_balance(number, CARDS["spent"]["securityCode"])["id"] == card("spent")


def test_i6_a_stored_caller_has_three_of_five_tries_left_in_its_minute(shop, clock):
    clock.now = from_text("1970-01-01T00:00:00Z") + timedelta(minutes=GIFTS["minute"])
    known = CARDS["spent"]["cardNumber"], CARDS["spent"]["securityCode"]
    for _ in range(3):
        shop.check_balance(*known, GIFTS["caller"])
    with pytest.raises(TooManyRequests):
        shop.check_balance(*known, GIFTS["caller"])
    clock.advance(minutes=1)
    assert shop.check_balance(*known, GIFTS["caller"])
