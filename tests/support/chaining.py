"""The streams of two tables on moto, which has none: records as Lambda gets them."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import boto3

from cardvault.audit import stream
from cardvault.audit.trail import WAITING, AuditRecord
from cardvault.aws.streams import work_by_key
from cardvault.core.hash_chain import Break, Head, breaks
from cardvault.giftcards.ledger.anchor import anchor_entries
from cardvault.orders import audit

TABLE, REGION = "AuditTrailTable", "eu-west-1"
_numbers = itertools.count(1)


def record(
    new: Mapping[str, Any], old: Mapping[str, Any] | None = None, name: str | None = None
) -> dict[str, Any]:
    """One record, of an item in DynamoDB's JSON that is new or takes the place of an old one."""
    number = next(_numbers)
    keys = {key: new[key] for key in ("subjectId", "seq", "cardId", "sk") if key in new}
    change = {"Keys": keys, "NewImage": dict(new), "SequenceNumber": str(number)}
    return {
        "eventID": f"{number:032x}",
        "eventName": name or ("MODIFY" if old else "INSERT"),
        "dynamodb": {**change, **({"OldImage": dict(old)} if old else {})},
    }


def items(subject_id: str = "", *, beginning: str = WAITING) -> list[dict[str, Any]]:
    """The table's items of one subject, or of all, in their order."""
    pages: Any = boto3.client("dynamodb", region_name=REGION).get_paginator("scan")
    found = [item for page in pages.paginate(TableName=TABLE) for item in page["Items"]]
    wanted = [item for item in found if item["subjectId"]["S"].startswith(beginning + subject_id)]
    return sorted(wanted, key=lambda item: int(item["seq"]["N"]))


def waiting_records(subject_id: str = "") -> list[dict[str, Any]]:
    """As the stream brings what waits, in the order in which it was put."""
    return [record(item) for item in items(subject_id)]


def chain_everything(subject_id: str = "", *, batch: int = 100) -> None:
    """Do as the function does when the stream brings all that waits, of one subject or of all."""
    left = waiting_records(subject_id)
    for some in _batches(left, batch):
        assert stream.chain_records(some) == []


def entry_records(card_id: str = "") -> list[dict[str, Any]]:
    """As the stream of the gift cards brings the entries that lie there, of a card or of all."""
    pages: Any = boto3.client("dynamodb", region_name=REGION).get_paginator("scan")
    found = [item for page in pages.paginate(TableName="GiftCardsTable") for item in page["Items"]]
    entries = [item for item in found if item["sk"]["S"].startswith("ENTRY#")]
    wanted = [item for item in entries if card_id in {"", item["cardId"]["S"]}]
    return [record(item) for item in sorted(wanted, key=lambda item: item["sk"]["S"])]


def anchor_everything(card_id: str = "") -> None:
    """Do as the function does when the stream brings the entries that lie there."""
    assert work_by_key(entry_records(card_id), "cardId", anchor_entries) == []


def _batches(records: list[dict[str, Any]], size: int) -> Iterable[list[dict[str, Any]]]:
    return (records[first : first + size] for first in range(0, len(records), size))


def verified(order_id: str) -> Break | None:
    """Where the order's trail breaks, once all that waits is chained."""
    chain_everything(order_id)
    verdict = audit.verify(order_id)
    assert verdict.unchained == 0
    return verdict.found


def first_break(events: Iterable[AuditRecord], head: Head) -> Break | None:
    """Where the chain of these events first does not hold."""
    return next(breaks(events, head), None)
