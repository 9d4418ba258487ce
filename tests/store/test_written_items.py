"""Every item as it lies in the tables, worked out by hand: those of 951a07e, and those of today.

The published vectors say what `by_hand` must answer; here the use cases write, and what they wrote
is read raw and held against it.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest

from cardvault.aws import tables
from cardvault.links import AccessLink
from cardvault.mail.daily_totals import MailsToAddress
from cardvault.mail.suppression import Suppression
from tests.store.conftest import on_moto
from tests.support import by_hand, chaining, stored_items
from tests.support.delivery import Desk
from tests.support.dynamodb_json import as_fields
from tests.support.every_gift_card import EveryGiftCard
from tests.support.every_order import PASSCODE, EveryOrder, make_every_client
from tests.support.giftcards import TENANT, GiftShop
from tests.support.template import resources

# The action that a request's key is of, and whose it is: the program's (`P`), the card's that the
# request names by its number (`N`), or the card's in the path.
ACTIONS = {
    "create": ("create", "P"),
    "bulk": ("bulk 0", "P"),
    "consolidate": ("consolidate", "P"),
    "holds": ("hold", ""),
    "adjustments": ("adjust", ""),
    "reload-by-number": ("reload", "N"),
}
OF_AN_ITEM = {"refund", "capture", "release"}


@dataclass
class Written:
    """What is stored, by table, and what its owners know of it."""

    told: dict[str, Any]
    secrets: dict[str, str]
    tables: dict[str, list[dict[str, Any]]]
    kms: Any

    @property
    def orders(self):
        return self.told["orders"]

    @property
    def gifts(self):
        return self.told["giftCards"]

    def items(self, table, **beginnings):
        """Those whose values begin so: `sk="ENTRY#"`."""
        return [
            item
            for item in self.tables[table]
            if all(str(item.get(name, "")).startswith(start) for name, start in beginnings.items())
        ]

    def item(self, table, **equal):
        (found,) = (
            item
            for item in self.tables[table]
            if all(item.get(name) == value for name, value in equal.items())
        )
        return found

    def unwrap(self, wrapped, context):
        return self.kms.decrypt(CiphertextBlob=wrapped, EncryptionContext=context)["Plaintext"]


def write_everything(steps):
    settings = steps.cloud.settings
    tables.use(settings, AccessLink, MailsToAddress, Suppression)
    shop = GiftShop.open(settings, steps.clock)
    return {
        "tenantId": TENANT,
        "userId": "alice",
        "giftCards": EveryGiftCard(shop, steps.clock).make(),
        "orders": EveryOrder(steps, Desk(steps)).make(),
        "clients": make_every_client(steps),
    }


@pytest.fixture(scope="module", params=["951a07e", "today"])
def written(request):
    with on_moto() as steps:
        if request.param == "today":
            told = write_everything(steps)
            chaining.chain_everything()
        else:
            told = stored_items.load(steps.cloud.settings.card_key_arn)
        manager = steps.cloud.client("secretsmanager")
        secrets = {
            name: json.loads(manager.get_secret_value(SecretId=name)["SecretString"])["key"]
            for name in ("fingerprint", "number", "code")
        }
        names = resources("AWS::DynamoDB::Table")
        tables = {name: list(map(as_fields, stored_items.scan(name))) for name in names}
        yield Written(told, secrets, tables, steps.cloud.client("kms"))


def chain_of(items):
    """The hash that the chained items end in."""
    before = by_hand.FIRST_PREVIOUS_HASH
    for seq, item in enumerate(items, 1):
        assert (item["seq"], item["previousHash"]) == (seq, before)
        before = by_hand.sha256(by_hand.canonical(item))
        assert item["hash"] == before
    return before


# --- orders ---------------------------------------------------------------------------------------


def test_i7_the_audit_trail_is_chained_by_the_canonical_json_of_its_events(written):
    events = sorted(written.tables["AuditTrailTable"], key=lambda item: item["subjectId"])
    trails = {
        subject: sorted(trail, key=lambda item: item["seq"])
        for subject, trail in groupby(events, key=lambda item: item["subjectId"])
    }
    heads = {
        subject: (trail[0]["lastSeq"], trail[0]["lastHash"])
        for subject, trail in trails.items()
        if trail[0]["seq"] == 0
    } or former_heads(written)
    chains = {
        subject: [event for event in trail if event["seq"]] for subject, trail in trails.items()
    }
    assert {subject: (len(chain), chain_of(chain)) for subject, chain in chains.items()} == heads


def former_heads(written):
    """Where former releases kept them."""
    heads = {
        item["orderId"]: (item["auditSeq"], item["auditHash"])
        for item in written.items("OrdersTable", sk="ORDER")
    }
    guess = written.gifts["cards"]["spent"]
    index = by_hand.number_index(written.secrets["number"], guess["cardNumber"])
    guard = written.item("GiftGuardsTable", guardKey=f"NUMBER#{index}")
    return {**heads, guess["id"]: (guard["auditSeq"], guard["auditHash"])}


def test_i7_each_change_of_an_order_is_in_its_trail_by_its_version(written):
    versions = defaultdict(set)
    for event in written.tables["AuditTrailTable"]:
        versions[event["subjectId"]].add(event.get("version"))
    for item in written.items("OrdersTable", sk="ORDER"):
        expected = set(range(1, item.get("version", 0) + 1))
        assert versions[item["orderId"]] - {None} == expected


def test_an_order_lies_under_its_owner(written):
    orders = written.items("OrdersTable", sk="ORDER")
    assert {item["orderId"] for item in orders} == {
        known["orderId"] for known in written.orders.values()
    }
    owner = f"{written.told['tenantId']}#{written.told['userId']}"
    assert {item["owner"] for item in orders} == {owner}


def test_i3_an_order_s_idempotency_key_and_request_are_kept_as_hashes(written):
    expected = {}
    for known in written.orders.values():
        key = by_hand.order_idempotency_key(
            written.told["tenantId"], written.told["userId"], known["key"]
        )
        texts = [by_hand.order_text(known["body"], key, version) for version in (1, 2)]
        salt = written.item("OrdersTable", orderId=known["orderId"], sk="ORDER").get("hashSalt")
        expected[key] = (known["orderId"], {by_hand.request_hash(text, salt) for text in texts})
    kept = written.items("OrdersTable", orderId="IDEM#")
    assert {item["orderId"] for item in kept} == set(expected)
    for item in kept:
        order_id, request_hashes = expected[item["orderId"]]
        assert item["markedOrderId"] == order_id
        assert item["requestHash"] in request_hashes


def test_i3_a_supplier_s_order_is_one_order_s(written):
    kept = {
        item["orderId"]: item["markedOrderId"]
        for item in written.items("OrdersTable", orderId="SUPPLIER#")
    }
    assert kept == {
        f"SUPPLIER#{known['supplierOrderId']}": known["orderId"]
        for known in written.orders.values()
        if "supplierOrderId" in known
    }


def test_a_passcode_is_kept_as_salt_and_scrypt(written):
    guarded = [item for item in written.tables["OrdersTable"] if "passcodeHash" in item]
    assert {item["orderId"] for item in guarded} == {
        known["orderId"] for known in written.orders.values() if "passcode" in str(known["body"])
    }
    for item in guarded:
        assert item["passcodeHash"] == by_hand.passcode_kept(PASSCODE, item["passcodeHash"])


def test_a_suppressed_address_is_kept_as_its_hash(written):
    keys = {item["orderId"] for item in written.items("OrdersTable", orderId="ADDRESS#")}
    assert keys == {by_hand.address_key(written.told["tenantId"], "grace@example.com")}


def test_i2_cards_lie_sealed_on_pages_under_a_wrapped_key_that_kms_opens_for_them_alone(written):
    with_cards = {
        known["orderId"]: [tuple(card) for card in known["cards"]]
        for name, known in written.orders.items()
        if "cards" in known and name != "shredded"
    }
    assert {item["orderId"] for item in written.tables["DataKeysTable"]} == set(with_cards)
    pages = defaultdict(list)
    for item in written.items("OrdersTable", sk="CARDS#"):
        pages[item["orderId"]].append(item)
    assert set(pages) == set(with_cards), "of what was shredded nothing is left"
    for key in written.tables["DataKeysTable"]:
        order_id, cards = key["orderId"], with_cards[key["orderId"]]
        context = {"tenantId": key["tenantId"], "orderId": order_id, "purpose": "cards"}
        if "accessHash" in key:  # keys of former releases have none
            order = written.item("OrdersTable", orderId=order_id, sk="ORDER")
            context["accessHash"] = by_hand.access_hash(order)
        aes_key, commitment = by_hand.order_keys(written.unwrap(key["wrappedKey"], context))
        assert key["commitment"] == commitment
        secret = written.secrets["fingerprint"]
        assert key["fingerprint"] == by_hand.cards_fingerprint(secret, order_id, cards)
        sealed = sealed_cards(pages[order_id])
        assert len(sealed) == len(cards)
        for number, (card, box) in enumerate(zip(cards, sealed, strict=True), 1):
            aad = by_hand.card_aad(key["tenantId"], order_id, number, len(cards))
            assert by_hand.unbox(aes_key, box, aad) == by_hand.card_text(*card)


def sealed_cards(pages):
    pages.sort(key=lambda page: page["sk"])
    assert [page["sk"] for page in pages] == [f"CARDS#{n:04d}" for n in range(len(pages))]
    found = []
    for page in pages:
        packed = page["sealedCards"]
        while packed:
            length = int.from_bytes(packed[:2], "big")
            found.append(packed[2 : 2 + length])
            packed = packed[2 + length :]
    return found


# --- links and clients ----------------------------------------------------------------------------

TOKENS = ("token", "replacedToken", "downloadToken", "usedDownloadToken")


def test_i5_of_a_token_its_sha_256_is_kept(written):
    expected = {
        by_hand.sha256(known[name]): known["orderId"]
        for known in written.orders.values()
        for name in TOKENS
        if name in known
    }
    kept = {item["tokenHash"]: item["orderId"] for item in written.tables["AccessLinksTable"]}
    lost = written.orders["mailing"]["orderId"]  # its mail was never seen
    assert {token: order for token, order in kept.items() if order != lost} == expected
    assert len(kept) == len(expected) + 1
    for known in written.orders.values():
        if "token" in known:
            order = written.item("OrdersTable", orderId=known["orderId"], sk="ORDER")
            assert order["linkHash"] == by_hand.sha256(known["token"])


def link(written, token):
    return written.item("AccessLinksTable", tokenHash=by_hand.sha256(token))


def test_of_an_e_mailed_code_a_mac_under_the_token_is_kept(written):
    known = written.orders["mailed"]
    code_hash = by_hand.one_time_code_hash(known["token"], known["code"])
    assert link(written, known["token"])["codeHash"] == code_hash


def test_a_session_is_kept_as_a_hash_and_follows_from_token_and_key(written):
    known = written.orders["claimed"]
    session = by_hand.claim_session(known["token"], known["claimKey"])
    assert known["session"] == session
    assert link(written, known["token"])["sessionHash"] == by_hand.sha256(session)
    known = written.orders["downloaded"]
    used = link(written, known["usedDownloadToken"])
    expected = by_hand.download_session(known["usedDownloadToken"], known["repeatKey"])
    assert used["sessionHash"] == expected


def test_of_a_client_s_secret_its_sha_256_is_kept(written):
    for known in written.told["clients"].values():
        item = written.item("ApiClientsTable", clientId=known["clientId"])
        assert item["secretHash"] == by_hand.sha256(known["secret"])
        if "oldSecret" in known:
            assert item["oldSecretHash"] == by_hand.sha256(known["oldSecret"])


# --- gift cards -----------------------------------------------------------------------------------


def test_i10_the_ledger_is_chained_by_the_canonical_json_of_its_entries(written):
    for card in written.items("GiftCardsTable", sk="CARD"):
        entries = written.items("GiftCardsTable", cardId=card["cardId"], sk="ENTRY#")
        entries.sort(key=lambda item: item["sk"])
        assert (card["entrySeq"], card["entryHash"]) == (len(entries), chain_of(entries))
        assert card["balance"] == sum(entry["amount"] for entry in entries)
        for entry in entries:
            assert entry["sk"] == f"ENTRY#{entry['seq']:010d}"
            assert entry["id"][16:] == f"{entry['seq']:08x}"


def test_a_refund_is_counted_beside_the_entry_that_it_is_of(written):
    card = written.gifts["cards"]["spent"]
    taken = written.item("GiftCardsTable", id=card["redemption"])
    key = f"REFUNDED#{taken['seq']:010d}"
    kept = written.items("GiftCardsTable", sk="REFUNDED#")
    assert kept == [{"cardId": card["id"], "sk": key, "refunded": 250}]


def test_a_card_number_is_sealed_for_its_card_and_found_by_its_mac(written):
    secret = written.secrets["number"]
    cards, taken = written.items("GiftCardsTable", sk="CARD"), {}
    for card in cards:
        number = by_hand.opened_at_place(secret, card["cardId"], card["sealedNumber"])
        assert number.endswith(card["lastFourDigits"])
        taken[f"NUMBER#{by_hand.number_index(secret, number)}"] = card["cardId"]
        known = {item["id"]: item for item in written.gifts["cards"].values()}
        if card["cardId"] in known:
            assert number == known[card["cardId"]]["cardNumber"]
    kept = {
        item["cardId"]: item["numberedCardId"]
        for item in written.items("GiftCardsTable", sk="NUMBER")
    }
    assert kept == taken


def test_of_a_security_code_a_mac_is_kept(written):
    known = written.gifts["cards"]["spent"]
    (card,) = (item for item in written.tables["GiftCardsTable"] if "codeMac" in item)
    assert card["cardId"] == known["id"]
    secret = written.secrets["code"]
    kept = by_hand.kept_code([secret], known["id"], known["securityCode"])
    assert card["codeMac"] in {kept, kept[4:]}, "former releases left the id of the key out"


def idempotency_record(written, request):
    """Whose it is, its sort key, and the answer that is kept."""
    action, owner = ACTIONS.get(request["action"], (request["action"], ""))
    if request["action"] in OF_AN_ITEM:
        action = f"{action} {request['itemId']}"
    answer = request["answer"]
    if request["action"] == "bulk":
        cards = json.loads(answer)["cards"]
        answer = json.dumps({"cards": cards}, separators=(",", ":"), ensure_ascii=False)
    owners = {"P": written.gifts["programId"], "N": written.gifts["cards"]["spent"]["id"]}
    owner_id = owners.get(owner, request["cardId"])
    key = by_hand.gift_card_idempotency_key(TENANT, action, request["key"])
    return owner_id, key, answer


def test_i10_an_idempotency_record_holds_the_request_s_mac_and_the_first_answer_sealed(written):
    secret = written.secrets["number"]
    expected = set()
    for request in written.gifts["requests"]:
        owner_id, sort_key, answer = idempotency_record(written, request)
        expected.add((owner_id, sort_key))
        kept = written.item("GiftCardsTable", cardId=owner_id, sk=sort_key)
        body = by_hand.request_text(json.loads(request["body"], parse_float=Decimal))
        assert kept["requestMac"] == by_hand.content_mac(secret, body)
        place = f"{owner_id} {sort_key}"
        assert by_hand.opened_at_place(secret, place, kept["sealedAnswer"]) == answer
    records = written.items("GiftCardsTable", sk="IDEM#")
    assert {(item["cardId"], item["sk"]) for item in records} == expected


def test_i6_tries_are_counted_by_number_known_or_not_and_by_caller(written):
    secret, gifts = written.secrets["number"], written.gifts
    known, unknown = (
        by_hand.number_index(secret, number)
        for number in (gifts["cards"]["spent"]["cardNumber"], gifts["unknownNumber"])
    )
    callers = {by_hand.caller_key(secret, gifts["caller"], gifts["minute"])}
    kept = {item["guardKey"] for item in written.tables["GiftGuardsTable"]}
    # Former releases counted a shop's tries, of which one was right here, with everyone's.
    of_shops = {key for key in kept if key.startswith("SHOP#")}
    assert of_shops <= {f"SHOP#{known}"}
    without_event = {f"NUMBER#{unknown}", *(of_shops or {f"NUMBER#{known}"})}
    shadows = {by_hand.shadow_key(guard) for guard in without_event}
    assert kept == {f"NUMBER#{known}", f"NUMBER#{unknown}"} | of_shops | shadows | callers


def test_open_holds_are_a_json_text_on_their_card(written):
    known = written.gifts["cards"]["spent"]
    card = written.item("GiftCardsTable", cardId=known["id"], sk="CARD")
    (hold,) = json.loads(card["holds"])
    assert hold["id"] == known["openHold"]
    assert card["holds"] == json.dumps([hold])
    assert list(hold) == ["id", "amount", "expiresAt"]
