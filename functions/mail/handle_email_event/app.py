"""EventBridge, from SES: what became of an e-mail message."""

from typing import Any

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.links import LINK_RECORDS
from cardvault.mail.ses_events import HandleEmailEvent
from cardvault.mail.suppression import Suppression

settings = Settings()
tables.use(settings, *LINK_RECORDS, Suppression)
handle_email_event = HandleEmailEvent()


@event_consumer
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the event; answers the order's e-mail status, null if the event was none of ours."""
    order = handle_email_event(event["detail"])
    return {"emailStatus": order.email_status if order else None}
