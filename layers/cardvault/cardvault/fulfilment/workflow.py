"""The state machine that carries an order from placing to stored cards."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, slots=True)
class Workflow:
    """Starts executions of one state machine."""

    client: "SFNClient"
    state_machine_arn: str

    def start(self, order_id: str) -> None:
        """Start the order's execution, named after it, unless it was started before."""
        try:
            self.client.start_execution(
                stateMachineArn=self.state_machine_arn,
                name=order_id,
                input=json.dumps({"orderId": order_id}),
            )
        except self.client.exceptions.ExecutionAlreadyExists:
            return
