"""The mails that the emulator's SES has taken, as data and as pages that look like a mailbox."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from local.stack.embedded import Stack

TIMEOUT_S = 10.0
_LINK = re.compile(r"https?://\S+/claim#([A-Za-z0-9_-]{43})")
_CODE = re.compile(r"^\s+([0-9]{6})$", re.MULTILINE)


@dataclass(frozen=True)
class Mail:
    """One mail as SES was given it; `number` counts from 1, oldest first."""

    number: int
    sender: str
    to: str
    subject: str
    text: str
    html: str
    sent_at: str

    @property
    def link(self) -> str | None:
        """The claim link in it."""
        found = _LINK.search(self.text)
        return found.group(0) if found else None

    @property
    def token(self) -> str | None:
        """The claim link's token."""
        found = _LINK.search(self.text)
        return found.group(1) if found else None

    @property
    def code(self) -> str | None:
        """The six digits in it."""
        found = _CODE.search(self.text)
        return found.group(1) if found else None


@dataclass(frozen=True)
class Mailbox:
    """Everybody's mail."""

    stack: Stack

    def mails(self, to: str | None = None) -> list[Mail]:
        """All mails, or those to one address, oldest first."""
        address = f"{self.stack.aws_url}/_ministack/ses/messages"
        found = requests.get(address, timeout=TIMEOUT_S).json()["messages"]
        sent = [message for account in found.values() for message in account]
        mails = [_mail(number, message) for number, message in enumerate(sent, 1)]
        return [mail for mail in mails if to is None or mail.to == to]

    def last(self, to: str, having: Callable[[Mail], Any] = lambda _: True) -> Mail:
        """The last mail to an address, of those that have something. Raises LookupError."""
        for mail in reversed(self.mails(to)):
            if having(mail):
                return mail
        message = f"no such mail to {to}"
        raise LookupError(message)


def _mail(number: int, message: dict[str, Any]) -> Mail:
    return Mail(
        number,
        sender=message["Source"],
        to=", ".join(message["To"]),
        subject=message["Subject"],
        text=message["BodyText"],
        html=message["BodyHtml"],
        sent_at=str(message.get("Timestamp", "")),
    )


def list_page(mails: list[Mail]) -> str:
    """The mailbox as a list, newest first."""
    rows = "".join(
        f'<li><a href="/mailbox/{mail.number}"><span class="who">{html.escape(mail.to)}</span>'
        f'<span class="what">{html.escape(mail.subject)}</span>'
        f'<span class="from">{html.escape(mail.sender)}</span></a></li>'
        for mail in reversed(mails)
    )
    empty = '<p class="empty">No mail yet. Place an order with an e-mail address.</p>'
    return f"<h1>Mailbox</h1>{f'<ol class=mails reversed>{rows}</ol>' if mails else empty}"


def mail_page(mail: Mail) -> str:
    """One mail, as HTML in a frame that runs nothing, and as plain text below."""
    return (
        f'<p class="back"><a href="/mailbox">Mailbox</a></p><h1>{html.escape(mail.subject)}</h1>'
        f"<dl class=head><dt>From</dt><dd>{html.escape(mail.sender)}</dd>"
        f"<dt>To</dt><dd>{html.escape(mail.to)}</dd></dl>"
        f'<iframe class="mail" title="The mail as HTML" src="/mailbox/{mail.number}/html" '
        'sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>'
        f"<h2>Plain text</h2><pre tabindex=0>{_linked(mail.text)}</pre>"
    )


def _linked(text: str) -> str:
    return re.sub(
        r"(https?://\S+)", r'<a href="\1" target="_blank" rel="noopener">\1</a>', html.escape(text)
    )


def framed(mail: Mail) -> str:
    """The mail's own HTML, with links that open beside the mailbox."""
    return mail.html.replace("<head>", '<head><base target="_blank">', 1)
