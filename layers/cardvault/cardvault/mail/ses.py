"""Sending through SES, and knowing what was certainly not sent from what may have been."""

from dataclasses import dataclass
from email.headerregistry import Address
from typing import TYPE_CHECKING

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)

from cardvault.errors import (
    MailNotSetUp,
    MailOutcomeUnknown,
    MailRefused,
    MailThrottled,
    MailUnavailable,
)
from cardvault.mail.message import RenderedEmail

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

# What sending any message may raise.
ERRORS = (MailNotSetUp, MailOutcomeUnknown, MailRefused, MailThrottled, MailUnavailable)
# Which of them prove that nothing was sent.
NOT_SENT = (MailRefused, MailThrottled, MailUnavailable)

_NOT_NOW = {"TooManyRequestsException", "LimitExceededException", "ThrottlingException"}


@dataclass(frozen=True, slots=True)
class Mailer:
    """One sender, empty if the stack sends no mail. `reply_to` may be empty."""

    ses: "SESV2Client"
    sender: str
    reply_to: str
    configuration_set: str

    def expect_set_up(self) -> None:
        """Raises MailNotSetUp if there is no sender."""
        if not self.sender:
            raise MailNotSetUp

    def send(
        self,
        email: RenderedEmail,
        *,
        to: str,
        shop: str,
        order_id: str,
        mail_id: str | None = None,
    ) -> None:
        """Send once, with the shop's name before our address.

        The ids are tags of the mail, which SES repeats in its events; a mail with a code has no
        `mail_id`, since what becomes of it tells nothing of the order's mail.
        Raises MailThrottled or MailUnavailable (nothing was sent, try again), MailRefused
        (nothing was sent), MailOutcomeUnknown.
        """
        tags = {"orderId": order_id, "letter": email.name, "mail": mail_id}
        body = {"Text": _utf8(email.text), "Html": _utf8(email.html)}
        try:
            self.ses.send_email(
                FromEmailAddress=sender_line(shop, self.sender),
                Destination={"ToAddresses": [to]},
                ReplyToAddresses=[self.reply_to] if self.reply_to else [],
                Content={"Simple": {"Subject": _utf8(email.subject), "Body": body}},  # type: ignore[typeddict-item]
                EmailTags=[{"Name": name, "Value": tag} for name, tag in tags.items() if tag],
                ConfigurationSetName=self.configuration_set,
            )
        except ClientError as error:
            raise _refusal(error) from None
        except (ConnectTimeoutError, EndpointConnectionError):
            raise MailUnavailable from None
        except HTTPClientError:
            raise MailOutcomeUnknown from None


def sender_line(name: str, address: str) -> str:
    """`"Shop" <address>`, in ASCII (RFC 2047) and on one line whatever the name holds."""
    shown = " ".join(name.split())
    user, _, domain = address.partition("@")
    if shown.isascii():
        return str(Address(shown, user, domain))
    from email.header import Header  # noqa: PLC0415 - for the few names that need it

    return f"{Header(shown, 'utf-8', maxlinelen=10_000).encode()} <{address}>"


def _refusal(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _NOT_NOW or status == 429:
        return MailThrottled()
    if status >= 500:
        return MailOutcomeUnknown()
    return MailRefused(code)


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
