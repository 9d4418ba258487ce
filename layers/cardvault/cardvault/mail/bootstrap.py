"""The parts that functions which send mail have in common."""

from cardvault.aws import boto_clients
from cardvault.aws.settings import Settings
from cardvault.mail.public_url import PublicUrl
from cardvault.mail.send import OrderMailer
from cardvault.mail.ses import Mailer


def mailer(settings: Settings) -> Mailer:
    """The stack's sender."""
    return Mailer(
        boto_clients.ses(),
        settings.mail_sender,
        settings.mail_reply_to,
        settings.mail_configuration_set,
    )


def order_mailer(settings: Settings) -> OrderMailer:
    """The sender of e-mail about orders."""
    return OrderMailer(
        mailer(settings),
        settings.shop_name,
        PublicUrl(boto_clients.ssm(), settings.public_url_parameter),
        settings.link_lifetime,
    )
