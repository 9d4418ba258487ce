"""What the retry loop costs, counted in a real execution's history."""

import uuid
from collections import Counter

from benchmarks.table import show
from local.cardvault import Cardvault


def run(vault: Cardvault, handling_s: float = 8.0) -> None:
    """Follow an order that the supplier takes its time for, and count."""
    alice = vault.shop().user("alice")
    wanted = {"productId": "P1", "typeId": f"FAULT_SLOW_FULFILMENT:{handling_s}", "quantity": 3}
    polled = _polls(vault)
    order_id = alice.order(uuid.uuid4().hex, **wanted).json()["orderId"]
    alice.settled(order_id)
    polls = _polls(vault) - polled - 1  # StoreCards reads once more
    machine = vault.stack.outputs["StateMachineArn"]
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:{order_id}"
    history = vault.stack.client("stepfunctions").get_paginator("get_execution_history")
    pages = history.paginate(executionArn=execution)
    kinds = Counter(event["type"] for page in pages for event in page["events"])
    entered = sum(count for kind, count in kinds.items() if kind.endswith("StateEntered"))
    failed = kinds["TaskFailed"] + kinds["LambdaFunctionFailed"]
    rows = [
        ("polls", polls),
        ("pending answers, each one retry and so one transition", failed),
        ("states entered by the whole order", entered),
        ("transitions per poll", f"{failed / max(1, polls - 1):.1f}"),
        ("transitions per poll of a Wait-Task-Choice loop", "3.0"),
    ]
    show("The poll loop", ("what", "count"), rows)


def _polls(vault: Cardvault) -> int:
    return int(vault.supplier.counts()["routes"].get("checkOrder", 0))
