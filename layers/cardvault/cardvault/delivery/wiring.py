"""The parts that functions which send mail have in common."""

from cardvault.delivery.address import PublicUrl
from cardvault.delivery.links import bind_links
from cardvault.delivery.mailer import Mailer
from cardvault.delivery.send import Postman
from cardvault.delivery.suppression import bind_suppressions
from cardvault.orders import store
from cardvault.runtime import aws
from cardvault.runtime.settings import Settings


def bind_delivery(settings: Settings) -> None:
    """Put orders, their audit events, links and suppressions on their tables."""
    store.bind_tables(settings)
    bind_links(settings)
    bind_suppressions(settings)


def mailer(settings: Settings) -> Mailer:
    """The stack's sender."""
    return Mailer(
        aws.ses(), settings.mail_sender, settings.mail_reply_to, settings.mail_configuration_set
    )


def postman(settings: Settings) -> Postman:
    """Who writes to customers about their orders."""
    return Postman(
        mailer(settings),
        settings.shop_name,
        PublicUrl(aws.ssm(), settings.public_url_parameter),
        settings.link_lifetime,
    )
