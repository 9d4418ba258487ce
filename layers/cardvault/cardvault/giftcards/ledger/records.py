"""Gift cards as stored, in one table: `cardId` + `sk`.

    <card id>     CARD               the card: what it is, its balance, where its ledger ends
    <card id>     ENTRY#0000000001   an entry of its ledger, never changed
    <card id>     REFUNDED#000…1     how much of that entry was refunded
    <card or      IDEM#<mac>         an Idempotency-Key and the first answer, for ever
     program id>
    NUMBER#<mac>  NUMBER             whose card number it is: makes numbers unique, and finds them

Only the card carries the indexes' keys, and money never changes those: a redemption writes to no
index. Amounts are minor units, times RFC 3339 texts in UTC.
"""

from enum import StrEnum

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from cardvault.aws.attributes import WholeNumber
from cardvault.aws.tables import Record
from cardvault.core import hash_chain

CARD_KEY = "CARD"
ENTRY_PREFIX = "ENTRY#"
NUMBER_KEY = "NUMBER"
_KEPT_BY_ENTRIES = {"balance", "updatedAt", "entrySeq", "entryHash"}


class EntryType(StrEnum):
    """What an entry is about: the published API's types first, then ours (docs/gift-cards.md)."""

    PURCHASE = "PURCHASE"
    ACTIVATION = "ACTIVATION"
    RELOAD = "RELOAD"
    REDEMPTION = "REDEMPTION"
    CONSOLIDATION = "CONSOLIDATION"
    VOID = "VOID"
    TRANSFER_OUT = "TRANSFER_OUT"
    TRANSFER_IN = "TRANSFER_IN"
    OWNERSHIP_TRANSFER = "OWNERSHIP_TRANSFER"
    RESEND_CODE = "RESEND_CODE"
    REFUND = "REFUND"

    ADJUSTMENT = "ADJUSTMENT"
    HOLD = "HOLD"
    CAPTURE = "CAPTURE"
    RELEASE = "RELEASE"
    SUSPENSION = "SUSPENSION"
    UNSUSPENSION = "UNSUSPENSION"
    EXPIRATION = "EXPIRATION"
    EXTENSION = "EXTENSION"
    KEY_ROTATION = "KEY_ROTATION"


class CardsOfProgram(GlobalSecondaryIndex["CardRecord"]):  # type: ignore[no-untyped-call]
    """A program's cards by age, for an id begins with its time."""

    class Meta:
        index_name = "cardsOfProgram"
        projection = KeysOnlyProjection()

    program_id = UnicodeAttribute(hash_key=True, attr_name="programId")
    card_id = UnicodeAttribute(range_key=True, attr_name="cardId")


class ExpiringCards(GlobalSecondaryIndex["CardRecord"]):  # type: ignore[no-untyped-call]
    """Cards whose expiry is not posted yet, by program and moment."""

    class Meta:
        index_name = "expiringCards"
        projection = KeysOnlyProjection()

    expiry_watch = UnicodeAttribute(hash_key=True, attr_name="expiryWatch")
    expires_at = UnicodeAttribute(range_key=True, attr_name="expiresAt")


class CardRecord(Record):
    """A gift card. Its status is not stored: it follows from these facts and the time.

    `expiry_watch` is the program's id until the card's expiry is posted or cannot come.
    """

    class Meta:
        setting = "gift_cards_table"

    of_program = CardsOfProgram()
    expiring = ExpiringCards()

    card_id = UnicodeAttribute(hash_key=True, attr_name="cardId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=CARD_KEY)
    tenant_id = UnicodeAttribute(attr_name="tenantId")
    program_id = UnicodeAttribute(attr_name="programId")
    currency = UnicodeAttribute()

    sealed_number = BinaryAttribute(legacy_encoding=False, attr_name="sealedNumber")
    last_four_digits = UnicodeAttribute(attr_name="lastFourDigits")
    code_mac = BinaryAttribute(legacy_encoding=False, attr_name="codeMac", null=True)

    balance = WholeNumber(default=0)
    initial_value = WholeNumber(attr_name="initialValue")
    holds: JSONAttribute = JSONAttribute(null=True)

    created_at = UnicodeAttribute(attr_name="createdAt")
    updated_at = UnicodeAttribute(attr_name="updatedAt")
    activated_at = UnicodeAttribute(attr_name="activatedAt", null=True)
    expires_at = UnicodeAttribute(attr_name="expiresAt")
    expiry_watch = UnicodeAttribute(attr_name="expiryWatch", null=True)
    suspended_at = UnicodeAttribute(attr_name="suspendedAt", null=True)
    suspended_until = UnicodeAttribute(attr_name="suspendedUntil", null=True)
    suspended_reason = UnicodeAttribute(attr_name="suspendedReason", null=True)
    voided_at = UnicodeAttribute(attr_name="voidedAt", null=True)

    customer_id = UnicodeAttribute(attr_name="customerId", null=True)
    customer_email = UnicodeAttribute(attr_name="customerEmail", null=True)
    customer_phone = UnicodeAttribute(attr_name="customerPhone", null=True)
    customer_name = UnicodeAttribute(attr_name="customerName", null=True)
    sender_name = UnicodeAttribute(attr_name="senderName", null=True)
    merchant_id = UnicodeAttribute(attr_name="merchantId")
    is_physical = BooleanAttribute(attr_name="isPhysical", default=False)
    design_template = UnicodeAttribute(attr_name="designTemplate", null=True)
    custom_message = UnicodeAttribute(attr_name="customMessage", null=True)
    deliver_at = UnicodeAttribute(attr_name="deliverAt", null=True)

    entry_seq = WholeNumber(attr_name="entrySeq", default=0)
    entry_hash = UnicodeAttribute(attr_name="entryHash", default=hash_chain.FIRST_PREVIOUS_HASH)

    @property
    def state_hash(self) -> str:
        """SHA-256 of the card as it is, but for what its last entry says itself."""
        return hash_chain.hash_of_state(self.fields(), without=_KEPT_BY_ENTRIES)


class EntryRecord(Record):
    """One entry of a card's ledger: money that moved, or a change that moved none.

    Entries are chained as audit events are: each holds the hash of the one before it, the card
    holds the last one's. `balance_before + amount = balance_after` (I10). `card_hash` is the hash
    of the card as the entry left it; entries of former releases have none.
    """

    class Meta:
        setting = "gift_cards_table"

    card_id = UnicodeAttribute(hash_key=True, attr_name="cardId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk")
    id = UnicodeAttribute()
    seq = WholeNumber()
    transaction_type = UnicodeAttribute(attr_name="transactionType")
    amount = WholeNumber()
    balance_before = WholeNumber(attr_name="balanceBefore")
    balance_after = WholeNumber(attr_name="balanceAfter")
    created_at = UnicodeAttribute(attr_name="createdAt")
    merchant_id = UnicodeAttribute(attr_name="merchantId")

    reference_id = UnicodeAttribute(attr_name="referenceId", null=True)
    description = UnicodeAttribute(null=True)
    pos_transaction_id = UnicodeAttribute(attr_name="posTransactionId", null=True)
    cashier_id = UnicodeAttribute(attr_name="cashierId", null=True)
    terminal_id = UnicodeAttribute(attr_name="terminalId", null=True)
    related_transaction_id = UnicodeAttribute(attr_name="relatedTransactionId", null=True)
    transfer_id = UnicodeAttribute(attr_name="transferId", null=True)
    hold_id = UnicodeAttribute(attr_name="holdId", null=True)
    held_amount = WholeNumber(attr_name="heldAmount", null=True)
    until = UnicodeAttribute(null=True)
    client_id = UnicodeAttribute(attr_name="clientId", null=True)
    card_hash = UnicodeAttribute(attr_name="cardHash", null=True)

    previous_hash = UnicodeAttribute(attr_name="previousHash")
    hash = UnicodeAttribute()

    def computed_hash(self) -> str:
        """What the hash must be: see `hash_chain.hash_of`."""
        return hash_chain.hash_of(self.fields())


class IdempotencyRecord(Record):
    """An Idempotency-Key that was used: the request's fingerprint and its answer, sealed."""

    class Meta:
        setting = "gift_cards_table"

    owner_id = UnicodeAttribute(hash_key=True, attr_name="cardId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk")
    request_mac = BinaryAttribute(legacy_encoding=False, attr_name="requestMac")
    sealed_answer = BinaryAttribute(legacy_encoding=False, attr_name="sealedAnswer")


class CardNumberRecord(Record):
    """The uniqueness record of a card number, by its MAC: whose number it is."""

    class Meta:
        setting = "gift_cards_table"

    key = UnicodeAttribute(hash_key=True, attr_name="cardId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk", default=NUMBER_KEY)
    numbered_card_id = UnicodeAttribute(attr_name="numberedCardId")


class RefundTotal(Record):
    """How much of an entry was refunded until now."""

    class Meta:
        setting = "gift_cards_table"

    card_id = UnicodeAttribute(hash_key=True, attr_name="cardId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk")
    refunded = WholeNumber()


LEDGER_RECORDS = (CardRecord, EntryRecord, IdempotencyRecord, CardNumberRecord, RefundTotal)
"""What is stored in the gift cards' table."""


def entry_key(seq: int) -> str:
    """The sort key of an entry: `ENTRY#0000000001`."""
    return f"{ENTRY_PREFIX}{seq:010d}"


def refund_key(seq: int) -> str:
    """The sort key of an entry's refunds: `REFUNDED#0000000001`."""
    return f"REFUNDED#{seq:010d}"
