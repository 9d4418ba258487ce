"""AWS calls, counted: what storing and revealing an order costs, whatever its size."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import botocore.client

from benchmarks.table import show
from tests.store.conftest import Steps, on_moto
from tests.support.doubles import canary_cards

SIZES = (3, 10_000)


def run(sizes: Sequence[int] = SIZES) -> None:
    """Count the calls of each step, for orders of so many cards: a small one and the largest."""
    rows = [row for size in sizes for row in _order(size)]
    show("AWS calls per step", ("step", "cards", "DynamoDB", "units*", "KMS", "which"), rows)
    print("  * capacity units as DynamoDB charges them: 1 KB written twice, 4 KB read twice")


def _order(size: int) -> Iterator[tuple[object, ...]]:
    with on_moto() as steps:
        order = steps.create(quantity=size)
        steps.supplier.placing = ["S1"]
        steps.place(order.order_id)
        steps.supplier.has("S1", quantity=size, cards=canary_cards(size))
        yield _row("store", size, lambda: steps.store(order.order_id))
        yield _row("reveal a page", size, lambda: steps.reveal(order.order_id))
        yield _row("reveal all", size, lambda: _reveal_all(steps, order.order_id))


def _reveal_all(steps: Steps, order_id: str) -> None:
    page: int | None = 0
    while page is not None:
        page = steps.reveal(order_id, page).next_page


def _row(step: str, size: int, work: Callable[[], object]) -> tuple[object, ...]:
    with _counting() as (calls, written, read):
        work()
    kms = calls["GenerateDataKey"] + calls["Decrypt"]
    dynamodb = sum(calls.values()) - kms - calls["GetSecretValue"]
    which = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
    units = f"{sum(written)} WCU, {sum(read)} RCU"
    return (step, size, dynamodb, units, kms, which)


@contextmanager
def _counting() -> Iterator[tuple[Counter[str], list[int], list[int]]]:
    calls: Counter[str] = Counter()
    written: list[int] = []
    read: list[int] = []
    real = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        calls[operation] += 1
        answer = real(client, operation, arguments)
        if operation == "TransactWriteItems":
            items = arguments["TransactItems"]
            written.extend(2 * _units(_item(item), 1024) for item in items)
        elif operation == "TransactGetItems":
            found = (response.get("Item", {}) for response in answer["Responses"])
            read.extend(2 * _units(item, 4096) for item in found)
        elif operation == "GetItem":
            read.append(_units(answer.get("Item", {}), 4096))
        return answer

    botocore.client.BaseClient._make_api_call = counting  # type: ignore[attr-defined]
    try:
        yield calls, written, read
    finally:
        botocore.client.BaseClient._make_api_call = real  # type: ignore[attr-defined]


def _item(write: dict[str, Any]) -> dict[str, Any]:
    (request,) = write.values()
    item: dict[str, Any] = request.get("Item") or request.get("ExpressionAttributeValues") or {}
    return item


def _units(item: dict[str, Any], unit: int) -> int:
    size = sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())
    return max(1, -(-size // unit))
