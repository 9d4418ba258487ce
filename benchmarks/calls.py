"""AWS calls, counted: what storing, showing and shredding an order costs, whatever its size."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import botocore.client

from benchmarks.table import show
from cardvault.orders.shred import shred_cards
from tests.store.conftest import Steps, on_moto
from tests.support.capacity import read_by, written_by
from tests.support.doubles import caller, canary_cards

SIZES = (3, 10_000)


def run(sizes: Sequence[int] = SIZES) -> None:
    """Count the calls of each step, for orders of so many cards: a small one and the largest."""
    rows = [row for size in sizes for row in _order(size)]
    show("AWS calls per step", ("step", "cards", "DynamoDB", "units*", "KMS", "which"), rows)
    print("  * capacity units of tables, without their indexes: one a KB written, one a 4 KB read,")
    print("    in a transaction twice")


def _order(size: int) -> Iterator[tuple[object, ...]]:
    with on_moto() as steps:
        order = steps.create(quantity=size)
        steps.supplier.placing = ["S1"]
        steps.place(order.order_id)
        steps.supplier.has("S1", quantity=size, cards=canary_cards(size))
        yield _row("store", size, lambda: steps.store(order.order_id))
        yield _row("reveal a page", size, lambda: steps.reveal(order.order_id))
        yield _row("reveal all", size, lambda: _reveal_all(steps, order.order_id))
        yield _row("shred", size, lambda: shred_cards(order.order_id, caller()))


def _reveal_all(steps: Steps, order_id: str) -> None:
    page: int | None = 0
    while page is not None:
        page = steps.reveal(order_id, page).next_page


def _row(step: str, size: int, work: Callable[[], object]) -> tuple[object, ...]:
    with _counting() as (calls, units):
        work()
    kms = calls["GenerateDataKey"] + calls["Decrypt"]
    dynamodb = sum(calls.values()) - kms - calls["GetSecretValue"]
    which = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
    return (step, size, dynamodb, f"{units['WCU']:.0f} WCU, {units['RCU']:.0f} RCU", kms, which)


@contextmanager
def _counting() -> Iterator[tuple[Counter[str], dict[str, float]]]:
    calls: Counter[str] = Counter()
    units: dict[str, float] = defaultdict(float)
    real = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]

    def counting(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        calls[operation] += 1
        units["WCU"] += sum(written_by(client, real, operation, arguments).written.values())
        answer = real(client, operation, arguments)
        read = read_by(client, real, operation, arguments, answer).read
        units["RCU"] += sum(read.values())
        return answer

    botocore.client.BaseClient._make_api_call = counting  # type: ignore[attr-defined]
    try:
        yield calls, units
    finally:
        botocore.client.BaseClient._make_api_call = real  # type: ignore[attr-defined]
