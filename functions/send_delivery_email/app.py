"""Workflow step SendDeliveryEmail: the claim link, or word of a refund. At most once."""

from typing import Any

from cardvault.delivery import wiring
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import workflow_step

settings = Settings()
wiring.bind_delivery(settings)
postman = wiring.postman(settings)


@workflow_step
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers when the mail was sent."""
    return {"emailedAt": postman.deliver(event["orderId"]).emailed_at}
