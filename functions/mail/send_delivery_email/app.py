"""Workflow step SendDeliveryEmail: the claim link, or the news of a refund. At most once."""

from typing import Any

from cardvault import errors
from cardvault.audit.trail import AuditRecord
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.links import AccessLink
from cardvault.mail import bootstrap
from cardvault.mail.suppression import Suppression
from cardvault.orders.records import OrderRecord

settings = Settings()
tables.use(settings, OrderRecord, AuditRecord, AccessLink, Suppression)
order_mailer = bootstrap.order_mailer(settings)


@workflow_step(
    raises=(
        errors.AddressSuppressed,
        errors.MailNotSetUp,
        errors.MailOutcomeUnknown,
        errors.MailRefused,
        errors.MailThrottled,
        errors.MailUnavailable,
        errors.NoRecipient,
        errors.OrderNotFound,
        errors.TooManyWriters,
    )
)
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers when the mail was sent."""
    return {"emailedAt": order_mailer.deliver(event["orderId"]).emailed_at}
