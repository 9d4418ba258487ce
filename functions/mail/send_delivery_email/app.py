"""Workflow step SendDeliveryEmail: the claim link, or the news of a refund. At most once."""

from typing import Any

from cardvault import errors
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.links import LINK_RECORDS
from cardvault.mail import bootstrap, ses
from cardvault.mail.daily_totals import MailsToAddress
from cardvault.mail.suppression import Suppression

settings = Settings()
tables.use(settings, *LINK_RECORDS, Suppression, MailsToAddress)
order_mailer = bootstrap.order_mailer(settings)


@workflow_step(
    raises=(
        *ses.ERRORS,
        errors.AddressSuppressed,
        errors.ClaimLocked,
        errors.NoRecipient,
        errors.OrderNotFound,
        errors.TooManyMails,
        errors.TooManyWriters,
    )
)
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers when the mail was sent."""
    return {"emailedAt": order_mailer.deliver(event["orderId"]).emailed_at}
