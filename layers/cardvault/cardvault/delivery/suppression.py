"""Addresses that must not be written to: mail to them bounced for good, or was complained of.

Per tenant, until that tenant gives the address again on purpose. Kept beside the orders under the
SHA-256 of tenant and address.
"""

import hashlib
import json

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from cardvault.orders.records import MARK_KEY
from cardvault.runtime import tables
from cardvault.runtime.settings import Settings


class Suppression(Model):
    """Why and since when an address is left alone."""

    class Meta:
        table_name = ""

    key = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=MARK_KEY)
    reason = UnicodeAttribute()
    since = UnicodeAttribute()


def bind_suppressions(settings: Settings) -> None:
    """Put suppressions on the Orders table."""
    tables.bind(Suppression, settings.orders_table)


def suppression(tenant_id: str, address: str, reason: str = "", since: str = "") -> Suppression:
    """The record for a tenant's address, to be saved or deleted; case does not matter."""
    owned = json.dumps([tenant_id, address.lower()])
    key = "ADDRESS#" + hashlib.sha256(owned.encode()).hexdigest()
    return Suppression(key, reason=reason, since=since)


def is_suppressed(tenant_id: str, address: str) -> bool:
    """Whether mail to the address must not be sent."""
    try:
        Suppression.get(suppression(tenant_id, address).key, MARK_KEY, consistent_read=True)
    except DoesNotExist:
        return False
    return True
