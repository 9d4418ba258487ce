"""Workflow step SendDeliveryEmail: the claim link, or word of a refund. At most once."""

from typing import Any

from cardvault import errors
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.mail import bootstrap

settings = Settings()
bootstrap.bind_delivery(settings)
postman = bootstrap.postman(settings)


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
    return {"emailedAt": postman.deliver(event["orderId"]).emailed_at}
