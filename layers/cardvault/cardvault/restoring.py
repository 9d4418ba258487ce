"""After a restore: what happened since the backup must not happen a second time.

    python -m cardvault.restoring DAMAGED_ORDERS_TABLE RESTORED_ORDERS_TABLE

is run while both tables are there and nothing else writes. It carries over the records beside the
orders that the restored table lacks: a used Idempotency-Key stays used, and a supplier order stays
its order's (I3). It ends claim links that no restored order knows (I5), and deletes the code marks
of orders that are gone, so that the shop can adopt what they bought. And it prints what a person
has to see to, an order a line; exit status 1 if there is something. A second run changes nothing
more. Reads DATA_KEYS_TABLE, LINKS_TABLE and CODE_MARKS_TABLE.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from cardvault.aws import boto_clients, tables
from cardvault.aws.retries import LostRace
from cardvault.aws.settings import Settings
from cardvault.links import AccessLink, Kind, State
from cardvault.orders.records import ORDER_KEY, RECORD_KEY, Status
from cardvault.sealing import code_marks
from cardvault.sealing.store import DataKeyRecord

Row = Mapping[str, Any]  # an item as DynamoDB writes it: {"orderId": {"S": "…"}, …}


@dataclass(frozen=True, slots=True)
class Restored:
    """The rows of both tables by order id, and the orders that have a wrapped key now."""

    damaged: Mapping[str, Row]
    restored: Mapping[str, Row]
    keys: frozenset[str]

    def gone(self) -> set[str]:
        """The orders that are younger than the backup."""
        return {*self.damaged} - {*self.restored}

    def tasks(self) -> Iterator[tuple[str, str]]:
        """(order id, what to see to), an order may have several."""
        for order_id in sorted({*self.damaged, *self.restored}):
            was, now = self.damaged.get(order_id), self.restored.get(order_id)
            if now is None:
                yield order_id, f"gone: it is younger than the backup{_bought_as(was)}"
                continue
            if was is not None and _text(was, "customerEmail") != _text(now, "customerEmail"):
                yield order_id, _address_task(was)
            task = self._stored(now) if _text(now, "storedAt") else self._unstored(was, now)
            if task:
                yield order_id, task

    def _stored(self, now: Row) -> str | None:
        if _text(now, "shreddedAt") or _text(now, "orderId") in self.keys:
            return None
        return "shredded since: no card opens; shred it again"

    def _unstored(self, was: Row | None, now: Row) -> str | None:
        if _text(now, "status") == Status.REFUNDED:
            return None
        if _text(now, "orderId") in self.keys:
            return f"stored since: delete its data key, then redrive it{_bought_as(was)}"
        if _text(now, "supplierOrderId"):
            return "on its way: redrive it"
        if _bought_as(was):
            return f"bought since: redrive it{_bought_as(was)}"
        return "perhaps bought since: look it up with the supplier before you redrive it"


def carry_records_over(source: str, target: str) -> int:
    """Copy each record beside the orders that the other Orders table lacks; answers how many."""
    carried = 0
    for record in _rows(source, RECORD_KEY):
        try:
            boto_clients.dynamodb().put_item(
                TableName=target,
                Item=dict(record),
                ConditionExpression="attribute_not_exists(orderId)",
            )
            carried += 1
        except boto_clients.dynamodb().exceptions.ConditionalCheckFailedException:
            continue
    return carried


def end_unknown_links(orders: Mapping[str, Row]) -> Iterator[str]:
    """End each live claim link but the one its order names; answers the orders of the ended."""
    for link in AccessLink.scan(consistent_read=True):
        named = _text(orders.get(link.order_id, {}), "linkHash")
        if link.kind != Kind.CLAIM or link.state != State.LIVE or link.token_hash == named:
            continue
        still_live = AccessLink.state == State.LIVE
        try:
            tables.update(link, [AccessLink.state.set(State.REPLACED)], still_live)
        except LostRace:
            continue  # used or replaced meanwhile
        yield link.order_id


def _rows(table: str, sort_key: str) -> Iterator[Row]:
    pages = (
        boto_clients.dynamodb()
        .get_paginator("scan")
        .paginate(
            TableName=table,
            FilterExpression="sk = :sk",
            ExpressionAttributeValues={":sk": {"S": sort_key}},
            ConsistentRead=True,
        )
    )
    for page in pages:
        yield from cast("list[Row]", page["Items"])


def _text(row: Row, name: str) -> str | None:
    value = row.get(name, {}).get("S")
    return None if value is None else str(value)


def _address_task(was: Row) -> str:
    if _text(was, "erasedAt") and not _text(was, "customerEmail"):
        return "erased since: erase its customer's address again"
    return "another address: correct its customer's address again"


def _bought_as(row: Row | None) -> str:
    bought = row and _text(row, "supplierOrderId")
    return f"; supplierOrderId {bought}" if bought else ""


def main() -> int:
    """The command."""
    if len(sys.argv) != 3:
        sys.stderr.write("usage: python -m cardvault.restoring DAMAGED RESTORED\n")
        return 2
    damaged, restored = sys.argv[1:]
    tables.use(Settings(), DataKeyRecord, AccessLink, code_marks.CodeMark)
    found = Restored(
        {str(_text(row, "orderId")): row for row in _rows(damaged, ORDER_KEY)},
        {str(_text(row, "orderId")): row for row in _rows(restored, ORDER_KEY)},
        frozenset(key.order_id for key in DataKeyRecord.scan(consistent_read=True)),
    )
    carried = carry_records_over(damaged, restored)
    for order_id in found.gone():
        code_marks.forget(order_id)
    tasks = list(found.tasks())
    tasks += [
        (order_id, "its link was ended: mail it again")
        for order_id in end_unknown_links(found.restored)
    ]
    for order_id, task in tasks:
        sys.stdout.write(f"{order_id} {task}\n")
    sys.stdout.write(f"{carried} records carried over, {len(tasks)} to see to\n")
    return 1 if tasks else 0


if __name__ == "__main__":
    sys.exit(main())
