"""What the retry loop costs, counted in a real execution's history."""

import uuid
from collections import Counter

from benchmarks.table import show
from local.cardvault import running


def run() -> None:
    """Follow an order that the supplier takes its time for, and count."""
    with running(handling_s=8.0) as vault:
        alice = vault.shop().user("alice")
        wanted = {"productId": "P1", "typeId": "BENCH", "quantity": 3}
        order_id = alice.order(uuid.uuid4().hex, **wanted).json()["orderId"]
        alice.settled(order_id)
        client = vault.stack.client("stepfunctions")
        machine = vault.stack.outputs["StateMachineArn"]
        (execution,) = client.list_executions(stateMachineArn=machine)["executions"]
        history = client.get_paginator("get_execution_history").paginate(
            executionArn=execution["executionArn"]
        )
        kinds = Counter(event["type"] for page in history for event in page["events"])
        polls = vault.supplier.counts()["routes"]["checkOrder"] - 1  # StoreCards reads once more
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
