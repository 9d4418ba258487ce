"""How many e-mail messages a day: about one order, and to one address of a tenant.

A pause between two messages bounds nothing: 30 seconds apart they are 2,880 a day. Each message
counts, one with a one-time code too, in the transaction that notes it; what was certainly not
sent is given back. A day is one of UTC.
"""

from datetime import timedelta
from typing import Any

from pynamodb.attributes import UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.attributes import WholeNumber
from cardvault.aws.tables import Record
from cardvault.core.clock import from_text
from cardvault.errors import TooManyMails
from cardvault.mail.suppression import hash_address
from cardvault.orders.records import RECORD_KEY, OrderRecord
from cardvault.orders.store import Edit

MOST_MAILS_ABOUT_AN_ORDER = 10
MOST_MAILS_TO_AN_ADDRESS = 50


class MailsToAddress(Record):
    """How many messages went to a tenant's address on the last day on which one did."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=RECORD_KEY)
    day = UnicodeAttribute(attr_name="sentOn", null=True)
    sent = WholeNumber(default=0)


def count(edit: Edit, address: str) -> dict[str, Any]:
    """Count a message in the edit's unit of work; what is to be changed on its order for it.

    Raises TooManyMails.
    """
    order, today = edit.order, edit.timestamp[:10]
    to_address = _mails_to(order.tenant_id, address)
    about_order = int(order.mails or 0) if order.mail_day == today else 0
    so_far = to_address.sent if to_address.day == today else 0
    if about_order >= MOST_MAILS_ABOUT_AN_ORDER or so_far >= MOST_MAILS_TO_AN_ADDRESS:
        raise TooManyMails(_seconds_left_of(today, edit))
    _save(edit, to_address, today, so_far + 1)
    return {"mail_day": today, "mails": about_order + 1}


def give_back(edit: Edit, counted: OrderRecord) -> dict[str, Any]:
    """Take the message off again that was counted when its order was as `counted`.

    On a later day there is nothing to give back. Returns what is to be changed on the order.
    """
    order, day = edit.order, counted.mail_day
    to_address = _mails_to(order.tenant_id, str(counted.customer_email))
    if to_address.day == day and to_address.sent:
        _save(edit, to_address, day, to_address.sent - 1)
    if order.mail_day != day or not order.mails:
        return {}
    return {"mails": int(order.mails) - 1}


def _mails_to(tenant_id: str, address: str) -> MailsToAddress:
    key = "MAILS#" + hash_address(tenant_id, address)
    return tables.find(MailsToAddress, key, RECORD_KEY) or MailsToAddress(key)


def _save(edit: Edit, seen: MailsToAddress, day: str, sent: int) -> None:
    unchanged = MailsToAddress.key.does_not_exist()
    if seen.day is not None:
        unchanged = (MailsToAddress.day == seen.day) & (MailsToAddress.sent == seen.sent)
    edit.work.save(MailsToAddress(seen.key, day=day, sent=sent), unchanged)


def _seconds_left_of(today: str, edit: Edit) -> int:
    tomorrow = from_text(f"{today}T00:00:00Z") + timedelta(days=1)
    return int((tomorrow - edit.now).total_seconds()) + 1
