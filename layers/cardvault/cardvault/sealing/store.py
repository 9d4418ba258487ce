"""Sealed pages and wrapped keys at rest: the pages in the Orders table, the keys in their own.

The two never share a table, so that no backup holds both: shredding deletes the wrapped key, and
what a restored backup of the Orders table brings back stays shut (I8).
"""

from collections.abc import Sequence

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from cardvault.cards import Card
from cardvault.errors import CannotOpen, OrderTooLarge
from cardvault.runtime import tables
from cardvault.runtime.settings import Settings
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.pages import open_page, page_count, seal_pages

# DynamoDB takes 4 MB a transaction; the rest is for names, keys and the order itself.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
LARGEST_SEALED_ORDER = 3_800_000


class DataKeyRecord(Model):
    """An order's wrapped data key. This table has no backup of any kind."""

    class Meta:
        table_name = ""

    order_id = UnicodeAttribute(hash_key=True, attr_name="orderId")
    tenant_id = UnicodeAttribute(attr_name="tenantId")
    wrapped_key = BinaryAttribute(legacy_encoding=False, attr_name="wrappedKey")
    commitment = BinaryAttribute(legacy_encoding=False)
    kms_key_arn = UnicodeAttribute(attr_name="kmsKeyArn")
    wrapped_at = UnicodeAttribute(attr_name="wrappedAt")
    fingerprint = BinaryAttribute(legacy_encoding=False)


class SealedPage(Model):
    """One page of an order's sealed cards. Carries no index key, so no index copies it."""

    class Meta:
        table_name = ""

    order_id = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk")
    sealed_cards = BinaryAttribute(legacy_encoding=False, attr_name="sealedCards")


def bind_data_keys(settings: Settings) -> None:
    """Put wrapped keys on the table the settings name."""
    tables.bind(DataKeyRecord, settings.data_keys_table)


def bind_sealed_tables(settings: Settings) -> None:
    """Put pages and wrapped keys on the tables the settings name."""
    tables.bind(SealedPage, settings.orders_table)
    bind_data_keys(settings)


def page_key(page: int) -> str:
    """The sort key of a page: `CARDS#0000`."""
    return f"CARDS#{page:04d}"


def seal_into(
    transaction: TransactWrite,
    keyring: Keyring,
    cards: Sequence[Card],
    *,
    tenant_id: str,
    order_id: str,
    timestamp: str,
    fingerprint: bytes,
) -> None:
    """Add the order's sealed pages and its wrapped key to the transaction.

    One GenerateDataKey whatever the number of cards. The key's condition makes the transaction
    fail when the order has a key already. The cards' fingerprint lies with the key and is
    shredded with it: a short code could be guessed from it by who has its secret too. Raises
    OrderTooLarge past what a transaction takes.
    """
    data_key = keyring.generate(tenant_id, order_id)
    pages = list(seal_pages(data_key.card_key, tenant_id, order_id, cards))
    if sum(map(len, pages)) > LARGEST_SEALED_ORDER:
        raise OrderTooLarge
    for number, packed in enumerate(pages):
        transaction.save(SealedPage(order_id, page_key(number), sealed_cards=packed))
    record = DataKeyRecord(
        order_id,
        tenant_id=tenant_id,
        wrapped_key=data_key.wrapped,
        commitment=data_key.card_key.commitment,
        kms_key_arn=data_key.kms_key_arn,
        wrapped_at=timestamp,
        fingerprint=fingerprint,
    )
    transaction.save(record, condition=DataKeyRecord.order_id.does_not_exist())


def stored_fingerprint(order_id: str) -> bytes:
    """The fingerprint of the cards that are stored, empty if none are."""
    try:
        return bytes(DataKeyRecord.get(order_id, consistent_read=True).fingerprint)
    except DoesNotExist:
        return b""


def delete_key_in(transaction: TransactWrite, order_id: str) -> None:
    """Add the end of the order's wrapped key to the transaction: from then on, no card opens."""
    transaction.delete(DataKeyRecord(order_id))


def delete_pages(order_id: str, count: int) -> None:
    """Delete the sealed pages of an order of `count` cards."""
    transaction = tables.writing()
    for page in range(page_count(count)):
        transaction.delete(SealedPage(order_id, page_key(page)))
    tables.commit(transaction)


def open_stored_pages(
    keyring: Keyring,
    record: DataKeyRecord,
    stored: Sequence[SealedPage],
    *,
    count: int,
    first: int = 0,
) -> list[tuple[int, Card]]:
    """The (number, card) pairs of consecutive pages, by one Decrypt.

    `count` is the order's cards, `first` the index of the first page. Raises CannotOpen when key,
    commitment or any card does not fit.
    """
    if any(page.order_id != record.order_id for page in stored):
        raise CannotOpen
    key = keyring.unwrap(record.wrapped_key, record.tenant_id, record.order_id)
    key.expect(record.commitment)
    return [
        card
        for number, page in enumerate(stored, first)
        for card in open_page(
            key, record.tenant_id, record.order_id, count, number, page.sealed_cards
        )
    ]
