"""Gift cards: DynamoDB requests and capacity units, counted, and redemptions per second.

Requests are counted as they leave; units are worked out from each item's bytes by DynamoDB's rules,
for emulators do not charge as AWS does. Rates come from the embedded stack and are this machine's.
"""

import itertools
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import botocore.client

from benchmarks.table import show
from cardvault.aws import tables
from cardvault.aws.retries import LostRace
from cardvault.core.clock import utc_now
from cardvault.errors import TooManyWriters
from cardvault.giftcards import store
from cardvault.giftcards.ledger.posting import next_entry
from cardvault.giftcards.ledger.records import EntryRecord, EntryType
from local.cardvault import Cardvault
from local.stack.embedded import Stack
from tests.store.conftest import on_moto
from tests.support.aimed import aimed_at
from tests.support.giftcards import GiftShop

HISTORIES = (10, 100, 10_000)
TILLS = 16
REDEMPTIONS = 400
MANY_CARDS = 1_000
KB = 1024

Work = Callable[[], Any]


def run(histories: Sequence[int] = HISTORIES) -> None:
    """Count what each request asks of DynamoDB, with cards of so many entries."""
    rows = list(_counts(histories))
    show("Gift cards: DynamoDB per request", ("request", "requests", "units"), rows)
    print("  units: 1 WCU = 1 KB written (2 in a transaction), 1 RCU = 4 KB read consistently")


def rates(vault: Cardvault, redemptions: int = REDEMPTIONS, cards: int = MANY_CARDS) -> None:
    """Redeem that often, from one card and from many."""
    header = ("redemptions", "per second", "lost races", "answered 503")
    title = f"Gift cards: {TILLS} tills at once, {redemptions} redemptions, embedded DynamoDB"
    show(title, header, list(_rates(vault.stack, redemptions, cards)))


def _counts(histories: Sequence[int]) -> Iterator[tuple[object, ...]]:
    with on_moto() as steps:
        shop = GiftShop.open(steps.cloud.settings, utc_now)
        card = shop.active("100.00")
        card_id, other = card["id"], shop.active("100.00")
        code = shop.do("resend-code", card_id)["securityCode"]
        shop.redeem(card_id, "1.00")
        yield _counted("details, no transactions", lambda: shop.details(card_id))
        for length in histories:
            long = shop.active("1.00")["id"]
            _lengthen(long, length)
            yield _counted(
                f"details, {length:,} transactions",
                partial(shop.details, long, transactions=True),
            )
        yield _counted("redeem", lambda: shop.redeem(card_id, "1.00", key="k"))
        yield _counted("redeem, repeated", lambda: shop.redeem(card_id, "1.00", key="k"))
        body: dict[str, Any] = {
            "securityCode": code,
            "destinationCardNumber": other["cardNumber"],
            "amount": 1,
        }
        yield _counted("transfer", lambda: shop.do("transfer", card_id, **body))
        numbers = [shop.active("1.00")["cardNumber"] for _ in range(10)]
        merge: dict[str, Any] = {"cardNumbers": numbers, "merchantId": "m1"}
        yield _counted("consolidation of 10", lambda: shop.do("consolidate", **merge))


def _lengthen(card_id: str, length: int) -> None:
    """Lay down entries as the ledger would write them, until there are `length`."""
    card, now = store.find(card_id), utc_now()
    with EntryRecord.batch_write() as batch:
        for turn in itertools.cycle((-1, 1)):
            if card.entry_seq >= length:
                break
            kind = EntryType.REDEMPTION if turn < 0 else EntryType.RELOAD
            till = f"till-7-{card.entry_seq:06d}"
            client = "c" * 24
            entry, _ = next_entry(card, kind, turn, now, client_id=client, pos_transaction_id=till)
            batch.save(entry)
    card.save()


@dataclass
class Bill:
    """What went to DynamoDB."""

    requests: Counter[str] = field(default_factory=Counter)
    read: int = 0
    written: int = 0


def _counted(name: str, work: Work) -> tuple[object, ...]:
    with _billing() as bill:
        work()
    which = ", ".join(f"{count} {operation}" for operation, count in bill.requests.items())
    return name, which, f"{bill.read} RCU, {bill.written} WCU"


@contextmanager
def _billing() -> Iterator[Bill]:
    bill, real = Bill(), botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def billed(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        answer = None
        try:
            answer = real(client, operation, arguments)
            return answer
        finally:
            if client.meta.service_model.service_name == "dynamodb":
                bill.requests[operation] += 1
                _charge(
                    bill, operation, arguments, answer or {}, lambda a: real(client, "GetItem", a)
                )

    botocore.client.BaseClient._make_api_call = billed  # type: ignore[attr-defined]
    try:
        yield bill
    finally:
        botocore.client.BaseClient._make_api_call = real  # type: ignore[attr-defined]


def _charge(
    bill: Bill, operation: str, arguments: dict[str, Any], answer: dict[str, Any], get: Any
) -> None:
    if operation == "GetItem":
        bill.read += _units([answer.get("Item", {})], 4 * KB)
    elif operation == "Query":
        bill.read += _units(answer["Items"], 4 * KB)
    elif operation == "TransactWriteItems":
        for write in arguments["TransactItems"]:
            ((kind, request),) = write.items()
            item = request.get("Item")
            if kind == "Update":
                item = get({"TableName": request["TableName"], "Key": request["Key"]})["Item"]
            bill.written += 2 * _units([item], KB)
            bill.written += ("programId" in item) + ("expiryWatch" in item) if kind == "Put" else 0


def _units(items: Sequence[dict[str, Any]], unit: int) -> int:
    """What the items are charged: their names and values count.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    size = sum(
        len(name) + (1 if kind in {"BOOL", "NULL"} else len(held))
        for item in items
        for name, value in item.items()
        for kind, held in value.items()
    )
    return max(1, -(-size // unit))


def _rates(stack: Stack, redemptions: int, count: int) -> Iterator[tuple[object, ...]]:
    with aimed_at(stack) as settings:
        shop = GiftShop.open(settings, utc_now)
        issue: dict[str, Any] = {"initialValue": 100, "merchantId": "m1", "count": count // 2}
        many = [card["id"] for _ in range(2) for card in shop.do("bulk", **issue)["cards"]]
        with ThreadPoolExecutor(TILLS) as tills:
            list(tills.map(lambda card_id: shop.do("activate", card_id), many))
        for name, cards in (("on one card", many[:1]), (f"over {count:,} cards", many)):
            yield name, *_rate(shop, cards, redemptions)


def _rate(shop: GiftShop, cards: Sequence[str], redemptions: int) -> tuple[object, ...]:
    tries, commit = Counter[str](), tables.commit

    def counting(transaction: Any) -> None:
        tries["all"] += 1
        try:
            commit(transaction)
        except LostRace:
            tries["lost"] += 1
            raise

    def redeem(turn: int) -> None:
        key = uuid.uuid4().hex
        while True:
            try:
                shop.redeem(cards[turn % len(cards)], "0.01", key=key)
            except TooManyWriters:
                tries["told to try again"] += 1
            else:
                return

    tables.commit = counting
    began = time.perf_counter()
    try:
        with ThreadPoolExecutor(TILLS) as tills:
            list(tills.map(redeem, range(redemptions)))
    finally:
        tables.commit = commit
    rate = redemptions / (time.perf_counter() - began)
    return f"{rate:.0f}", f"{tries['lost'] / tries['all']:.0%}", tries["told to try again"]
