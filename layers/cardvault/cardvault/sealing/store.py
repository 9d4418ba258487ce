"""Sealed pages and wrapped keys at rest: the pages in the Orders table, the keys in their own.

The two never share a table, so that no backup holds both: shredding deletes the wrapped key, and
what a restored backup of the Orders table brings back stays shut (I8).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.retries import LostRace
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core.cards import Card
from cardvault.errors import CannotOpen, StoringOvertaken
from cardvault.sealing.data_keys import KeyBinding, Keyring, NewDataKey
from cardvault.sealing.pages import Layout, SealedPages, open_page, seal_pages

# For a page among many, each of which takes what the partition has to give in a third of a second.
PAGE_TRIES = 30
_PAGE_KEYS = "CARDS#"


class DataKeyRecord(Record):
    """An order's wrapped data key. This table has no backup of any kind."""

    class Meta:
        setting = "data_keys_table"

    order_id = UnicodeAttribute(hash_key=True, attr_name="orderId")
    tenant_id = UnicodeAttribute(attr_name="tenantId")
    access_hash = UnicodeAttribute(attr_name="accessHash", null=True)
    wrapped_key = BinaryAttribute(legacy_encoding=False, attr_name="wrappedKey")
    commitment = BinaryAttribute(legacy_encoding=False)
    kms_key_arn = UnicodeAttribute(attr_name="kmsKeyArn")
    wrapped_at = UnicodeAttribute(attr_name="wrappedAt")
    fingerprint = BinaryAttribute(legacy_encoding=False)

    @property
    def binding(self) -> KeyBinding:
        """What the key was bound to when it was wrapped."""
        return KeyBinding(self.tenant_id, self.order_id, self.access_hash)


class SealedPage(Record):
    """One page of an order's sealed cards. Carries no index key, so no index copies it.

    `attempt` is which attempt to store the order wrote it; orders stored by earlier releases,
    pages and key in one transaction, have none.
    """

    class Meta:
        setting = "orders_table"

    order_id = UnicodeAttribute(hash_key=True, attr_name="orderId")
    sort_key = UnicodeAttribute(range_key=True, attr_name="sk")
    sealed_cards = BinaryAttribute(legacy_encoding=False, attr_name="sealedCards")
    attempt = NumberAttribute(null=True)


@dataclass(frozen=True, slots=True)
class NewlySealed:
    """An order's sealed pages, and the data key whose wrapped form is kept nowhere yet."""

    data_key: NewDataKey
    sealed: SealedPages


def page_key(page: int) -> str:
    """The sort key of a page: `CARDS#0000`."""
    return f"{_PAGE_KEYS}{page:04d}"


def seal(keyring: Keyring, cards: Sequence[Card], binding: KeyBinding) -> NewlySealed:
    """The order's cards under a data key of their own, by one GenerateDataKey.

    Raises CardTooLong, OrderTooLarge.
    """
    data_key = keyring.generate(binding)
    sealed = seal_pages(data_key.card_key, binding.tenant_id, binding.order_id, cards)
    return NewlySealed(data_key, sealed)


def write_pages(order_id: str, sealed: SealedPages, attempt: int) -> None:
    """Write the pages of an attempt, one by one: nobody can open them before its key is saved.

    Raises StoringOvertaken where a later attempt has written, or a finished order lies.
    """
    free_or_older = SealedPage.order_id.does_not_exist() | (SealedPage.attempt <= attempt)
    for number, packed in enumerate(sealed.pages):
        page = SealedPage(order_id, page_key(number), sealed_cards=packed, attempt=attempt)
        try:
            tables.put(page, free_or_older, tries=PAGE_TRIES)
        except LostRace:
            raise StoringOvertaken from None


def save_key_in(
    work: UnitOfWork,
    data_key: NewDataKey,
    binding: KeyBinding,
    *,
    timestamp: str,
    fingerprint: bytes,
) -> None:
    """Add the order's wrapped key to the unit of work: from then on, its pages can be opened.

    The condition makes the transaction fail when the order has a key already. The cards'
    fingerprint lies with the key and is shredded with it: a short code could be guessed from it
    by who has its secret too.
    """
    record = DataKeyRecord(
        binding.order_id,
        tenant_id=binding.tenant_id,
        access_hash=binding.access_hash,
        wrapped_key=data_key.wrapped,
        commitment=data_key.card_key.commitment,
        kms_key_arn=data_key.kms_key_arn,
        wrapped_at=timestamp,
        fingerprint=fingerprint,
    )
    work.save(record, condition=DataKeyRecord.order_id.does_not_exist())


def read_key(order_id: str) -> DataKeyRecord | None:
    """The order's wrapped key, read consistently, if there is one."""
    return tables.find(DataKeyRecord, order_id)


def read_pages(order_id: str, layout: Layout) -> list[SealedPage]:
    """The order's pages in their order, as many as there are, read consistently."""
    if not layout.pages:
        return []
    last = page_key(layout.pages - 1)
    of_the_order = SealedPage.sort_key.between(page_key(0), last)
    return list(tables.read_all(SealedPage.query(order_id, of_the_order, consistent_read=True)))


def stored_fingerprint(order_id: str) -> bytes:
    """The fingerprint of the cards that are stored, empty if none are."""
    record = read_key(order_id)
    return bytes(record.fingerprint) if record else b""


def delete_key_in(work: UnitOfWork, order_id: str) -> None:
    """Delete the order's wrapped key in the unit of work: from then on, no card opens."""
    work.delete(DataKeyRecord(order_id))


def delete_pages(order_id: str, *, older_than: int | None = None) -> None:
    """Delete the order's pages, or only those that attempts before that one have written."""
    stale = None if older_than is None else SealedPage.attempt < older_than
    found = SealedPage.query(
        order_id,
        SealedPage.sort_key.startswith(_PAGE_KEYS),
        filter_condition=stale,
        consistent_read=True,
        attributes_to_get=["orderId", "sk"],
    )
    for page in tables.read_all(found):
        with suppress(LostRace):  # a later attempt has just written there
            tables.delete(page, stale, tries=PAGE_TRIES)


def open_stored_pages(
    keyring: Keyring,
    record: DataKeyRecord,
    stored: Sequence[SealedPage],
    binding: KeyBinding,
    *,
    layout: Layout,
    first: int = 0,
) -> list[tuple[int, Card]]:
    """The (number, card) pairs of consecutive pages, by one Decrypt.

    `binding` is what the order says now, `first` the index of the first page. Raises CannotOpen
    when key, commitment or any card does not fit.
    """
    if any(page.order_id != record.order_id for page in stored):
        raise CannotOpen
    key = keyring.unwrap(record.wrapped_key, binding)
    key.expect(record.commitment)
    return [
        card
        for number, page in enumerate(stored, first)
        for card in open_page(
            key, binding.tenant_id, binding.order_id, layout, number, page.sealed_cards
        )
    ]
