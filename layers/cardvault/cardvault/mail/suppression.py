"""Addresses that must not be written to: mail to them bounced for good, or was complained of.

Per tenant, until that tenant gives the address again on purpose; mails sent before that count no
more then. Kept beside the orders under the SHA-256 of tenant and address.
"""

import hashlib
import json

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from cardvault.aws.tables import Record
from cardvault.orders.records import RECORD_KEY

LIFTED = "lifted"


class Suppression(Record):
    """Why and since when an address is left alone, or since when no longer."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=RECORD_KEY)
    reason = UnicodeAttribute()
    since = UnicodeAttribute()


def suppression(tenant_id: str, address: str, reason: str = "", since: str = "") -> Suppression:
    """The record for a tenant's address, to be saved or deleted."""
    return Suppression(f"ADDRESS#{hash_address(tenant_id, address)}", reason=reason, since=since)


def hash_address(tenant_id: str, address: str) -> str:
    """The SHA-256 of tenant and address, hex; case does not matter."""
    return hashlib.sha256(json.dumps([tenant_id, address.lower()]).encode()).hexdigest()


def find_suppression(tenant_id: str, address: str) -> Suppression | None:
    """The record for a tenant's address, if there is one."""
    try:
        return Suppression.get(
            suppression(tenant_id, address).key, RECORD_KEY, consistent_read=True
        )
    except DoesNotExist:
        return None


def is_suppressed(tenant_id: str, address: str) -> bool:
    """Whether mail to the address must not be sent."""
    record = find_suppression(tenant_id, address)
    return record is not None and record.reason != LIFTED


def lift(tenant_id: str, address: str, now: str) -> None:
    """Let mail to the address be sent again."""
    suppression(tenant_id, address, LIFTED, now).save()
