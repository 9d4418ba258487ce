"""EventBridge, from SES: what became of a mail."""

from typing import Any

from cardvault.delivery import wiring
from cardvault.delivery.events import HandleEmailEvent
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import event_consumer

settings = Settings()
wiring.bind_delivery(settings)
handle_email_event = HandleEmailEvent()


@event_consumer
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the event; answers the order's e-mail status, null if the event was none of ours."""
    order = handle_email_event(event["detail"])
    return {"emailStatus": order.email_status if order else None}
