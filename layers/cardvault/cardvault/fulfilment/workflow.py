"""The state machine that carries an order from placing to stored cards.

An execution is named after its order: the first is the order's id, a later one the id, a hyphen
and something more. So one list of what runs tells which orders are under way.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# Beside the first.
MOST_RESTARTS = 3
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Workflow:
    """Starts executions of one state machine."""

    client: "SFNClient"
    state_machine_arn: str

    def start(self, order_id: str) -> None:
        """Start the order's execution, named after it, unless it was started before."""
        self._is_started(order_id, order_id)

    def start_again(self, order_id: str) -> bool:
        """Have an execution run for the order; one that was started here and runs is left alone.

        False when that many were started before and have ended. Their names are the count.
        """
        again = (f"{order_id}-{number}" for number in range(1, MOST_RESTARTS + 1))
        return any(self._is_started(name, order_id) for name in (order_id, *again))

    def running(self) -> Iterator[str]:
        """The orders with an execution that runs; one that began moments ago may be missing."""
        pages = self.client.get_paginator("list_executions").paginate(
            stateMachineArn=self.state_machine_arn,
            statusFilter="RUNNING",
            PaginationConfig={"PageSize": LARGEST_PAGE},
        )
        for page in pages:
            yield from (execution["name"].partition("-")[0] for execution in page["executions"])

    def _is_started(self, name: str, order_id: str) -> bool:
        """Whether the execution runs now; not if one of that name has ended.

        Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        """
        try:
            self.client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=name,
                input=json.dumps({"orderId": order_id}),
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            return False
        return True
