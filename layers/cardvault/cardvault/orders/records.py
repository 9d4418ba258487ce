"""The order as stored, and the records beside it that make an effect happen once.

One table: `orderId` + `ORDER` is the order, `orderId` + `CARDS#0000` its sealed pages (sealing),
`IDEM#…` are idempotency records, `SUPPLIER#…` uniqueness records of supplier orders, `ADDRESS#…`
suppressed addresses (mail), `SUPPLIER` the circuit breaker (supplier), `CEILING#…` ceilings and
what was counted against them (identity). Only the order carries the indexes' keys.
"""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from cardvault.audit.trail import AuditRecord
from cardvault.aws.tables import Record
from cardvault.core.hash_chain import hash_of, hash_of_state
from cardvault.identity.ceilings import Buyer, CeilingRecord
from cardvault.orders.indexes import OrdersOfOwner, UnfinishedOrders

ORDER_KEY = "ORDER"
RECORD_KEY = "MARK"
UNFINISHED = "yes"
DECIDES_WHETHER_UNFINISHED = {
    "status",
    "stored_at",
    "mailing_at",
    "emailed_at",
    "shredded_at",
    "erased_at",
    "customer_email",
}
_NO_PART_OF_A_VERSION = {
    "refusals",
    "version",
    "updatedAt",
    "auditSeq",
    "auditHash",
    "unfinished",  # follows from the rest
}


class Status(StrEnum):
    """Where an order stands."""

    RECEIVED = "received"
    PLACED = "placed"
    HANDLING = "handling"
    FULFILLED = "fulfilled"
    PARTIALLY_FILLED = "partially_filled"
    REFUNDED = "refunded"
    ATTENTION = "attention"


def owner_key(tenant_id: str, user_id: str) -> str:
    """Whose order it is, as one key. A tenant id is an id of ours and holds no `#`."""
    return f"{tenant_id}#{user_id}"


def new_hash_salt() -> str:
    """What makes an order's hashes worthless to those who do not have the order."""
    return secrets.token_hex(16)


class OrderRecord(Record):
    """An order. Times are RFC 3339 texts in UTC."""

    class Meta:
        setting = "orders_table"

    of_owner = OrdersOfOwner()
    all_unfinished = UnfinishedOrders()

    order_id = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=ORDER_KEY)
    owner = UnicodeAttribute()
    created_at = UnicodeAttribute(attr_name="createdAt")
    updated_at = UnicodeAttribute(attr_name="updatedAt")
    tenant_id = UnicodeAttribute(attr_name="tenantId")
    user_id = UnicodeAttribute(attr_name="userId")
    client_id = UnicodeAttribute(attr_name="clientId", null=True)
    status = UnicodeAttribute()

    product_id = UnicodeAttribute(attr_name="productId", null=True)
    type_id = UnicodeAttribute(attr_name="typeId", null=True)
    quantity = NumberAttribute(null=True)
    # The day for which its cards count (identity.ceilings); none once they were given back.
    counted_on = UnicodeAttribute(attr_name="countedOn", null=True)
    supplier_order_id = UnicodeAttribute(attr_name="supplierOrderId", null=True)
    placing_at = UnicodeAttribute(attr_name="placingAt", null=True)
    placing_attempt = UnicodeAttribute(attr_name="placingAttempt", null=True)
    placed_at = UnicodeAttribute(attr_name="placedAt", null=True)

    storing_attempt = NumberAttribute(attr_name="storingAttempt", null=True)
    storing_at = UnicodeAttribute(attr_name="storingAt", null=True)
    cards_per_page = NumberAttribute(attr_name="cardsPerPage", null=True)
    fulfilled_quantity = NumberAttribute(attr_name="fulfilledQuantity", null=True)
    refunded_quantity = NumberAttribute(attr_name="refundedQuantity", null=True)

    title = UnicodeAttribute(null=True)
    instructions = UnicodeAttribute(null=True)
    redeem_url = UnicodeAttribute(attr_name="redeemUrl", null=True)

    customer_email = UnicodeAttribute(attr_name="customerEmail", null=True)
    customer_name = UnicodeAttribute(attr_name="customerName", null=True)
    shop_name = UnicodeAttribute(attr_name="shopName", null=True)
    locale = UnicodeAttribute(null=True)
    protection = UnicodeAttribute(null=True)
    passcode_hash = BinaryAttribute(legacy_encoding=False, attr_name="passcodeHash", null=True)
    link_hash = UnicodeAttribute(attr_name="linkHash", null=True)
    mail_id = UnicodeAttribute(attr_name="mailId", null=True)
    mailing_at = UnicodeAttribute(attr_name="mailingAt", null=True)
    emailed_at = UnicodeAttribute(attr_name="emailedAt", null=True)
    email_status = UnicodeAttribute(attr_name="emailStatus", null=True)
    mail_failed_at = UnicodeAttribute(attr_name="mailFailedAt", null=True)
    mail_day = UnicodeAttribute(attr_name="mailDay", null=True)
    mails = NumberAttribute(null=True)
    wrong_tries = NumberAttribute(attr_name="wrongTries", null=True)

    stored_at = UnicodeAttribute(attr_name="storedAt", null=True)
    claimed_at = UnicodeAttribute(attr_name="claimedAt", null=True)
    downloaded_at = UnicodeAttribute(attr_name="downloadedAt", null=True)
    first_revealed_at = UnicodeAttribute(attr_name="firstRevealedAt", null=True)
    shredded_at = UnicodeAttribute(attr_name="shreddedAt", null=True)
    erased_at = UnicodeAttribute(attr_name="erasedAt", null=True)
    attention_reason = UnicodeAttribute(attr_name="attentionReason", null=True)
    attention_at = UnicodeAttribute(attr_name="attentionAt", null=True)

    # UNFINISHED or absent, as `is_unfinished` was at the last change. It puts it in an index.
    unfinished = UnicodeAttribute(null=True)

    refusals = NumberAttribute(null=True)
    version = NumberAttribute(default=0)
    # Orders of former releases have none, and their events no hash of them.
    hash_salt = UnicodeAttribute(attr_name="hashSalt", null=True)
    # Former releases kept the head of the order's audit chain here, and the number in it was the
    # order's version. The hash stays, for it must be in the trail; the number goes with the first
    # change, so that a function of such a release cannot change the order any more.
    audit_seq = NumberAttribute(attr_name="auditSeq", null=True)
    audit_hash = UnicodeAttribute(attr_name="auditHash", null=True)

    @property
    def buyer(self) -> Buyer:
        """Whose ceilings its cards count against."""
        return Buyer(self.tenant_id, self.client_id)

    @property
    def guarded_by(self) -> str:
        """What the claim page asks for besides the link: an e-mailed code if nothing was said."""
        return self.protection or "otp"

    @property
    def email_wanted(self) -> bool:
        """Whether the order came with an address to write to."""
        return self.customer_email is not None

    @property
    def ended_as(self) -> Status | None:
        """The status of its good end, also while it needs a person; None before there is one."""
        if self.stored_at is not None:
            return Status.PARTIALLY_FILLED if self.refunded_quantity else Status.FULFILLED
        return Status.REFUNDED if self.fulfilled_quantity == 0 else None

    @property
    def is_unfinished(self) -> bool:
        """Whether the workflow, or who sends mail, has more to do: not when a person has."""
        if self.status == Status.ATTENTION:
            return False
        if self.ended_as is None:
            return True
        mail_is_open = self.mailing_at is not None or (
            self.email_wanted and self.emailed_at is None
        )
        return mail_is_open and self.shredded_at is None and not self.is_erased

    @property
    def delivered_at(self) -> str | None:
        """When someone who was entitled first got to the cards, by whichever way."""
        ways = (self.claimed_at, self.first_revealed_at, self.downloaded_at)
        return min((moment for moment in ways if moment is not None), default=None)

    @property
    def recipient_needless_since(self) -> str | None:
        """Since when nothing is to be sent to the customer any more; None while something is."""
        told = self.emailed_at if self.ended_as is Status.REFUNDED else None
        ends = (self.delivered_at, self.shredded_at, told)
        return min((moment for moment in ends if moment is not None), default=None)

    @property
    def names_recipient(self) -> bool:
        """Whether it holds a customer's address or name."""
        return self.customer_email is not None or self.customer_name is not None

    @property
    def is_erased(self) -> bool:
        """Whether it held a customer's address that was erased, and holds no other since."""
        return self.erased_at is not None and not self.names_recipient

    @property
    def access_hash(self) -> str:
        """SHA-256 of who may see the cards and what guards the link; it never changes."""
        passcode = None if self.passcode_hash is None else self.passcode_hash.hex()
        return hash_of(
            {"userId": self.user_id, "protection": self.guarded_by, "passcodeHash": passcode}
        )

    def hash_with(self, changes: Mapping[str, Any]) -> str | None:
        """SHA-256 of the order with these changes; what is not a version of it is left out.

        The salt is in it, so nothing can be guessed from it once the salt is gone.
        """
        changed = self.changed_by(changes)
        if changed.hash_salt is None:
            return None
        return hash_of_state(changed.fields(), without=_NO_PART_OF_A_VERSION)

    def changed_by(self, changes: Mapping[str, Any]) -> "OrderRecord":
        """A copy in memory with these changes, by their Python names."""
        return OrderRecord(**{**self.attribute_values, **changes})

    @property
    def unchanged(self) -> Condition:
        """The condition that nobody has changed the order since it was read."""
        same: Condition = OrderRecord.version == self.version
        if not self.version:
            same = OrderRecord.version.does_not_exist() & (OrderRecord.audit_seq == self.audit_seq)
        return same


class UniquenessRecord(Record):
    """What belongs to one order for good: an Idempotency-Key or a supplier's order.

    Of an Idempotency-Key it is the idempotency record, with the request's fingerprint.
    """

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=RECORD_KEY)
    owning_order_id = UnicodeAttribute(attr_name="markedOrderId")
    request_hash = UnicodeAttribute(attr_name="requestHash", null=True)


ORDER_RECORDS = (OrderRecord, AuditRecord)
"""What every change of an order writes."""
COUNTED_ORDER_RECORDS = (*ORDER_RECORDS, CeilingRecord)
"""The same of a change that also counts the order's cards."""
