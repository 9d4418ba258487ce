"""Finding gift cards, and who may see them."""

from collections.abc import Iterable, Sequence

from pynamodb.exceptions import DoesNotExist

from cardvault.errors import GiftCardNotFound, TransactionNotFound
from cardvault.giftcards.ledger.records import (
    CARD_KEY,
    ENTRY_PREFIX,
    NUMBER_KEY,
    CardNumberRecord,
    CardRecord,
    EntryRecord,
    entry_key,
)
from cardvault.http.caller import Caller

_NO_CARD = "0" * 24


def find(card_id: str) -> CardRecord:
    """The card, read consistently. Raises GiftCardNotFound."""
    try:
        return CardRecord.get(card_id, CARD_KEY, consistent_read=True)
    except DoesNotExist:
        raise GiftCardNotFound from None


def get_visible(program_id: str, card_id: str, caller: Caller) -> CardRecord:
    """The card, if it is in this program and the caller may see it.

    A token of one of the tenant's users shows that customer's cards only. Raises
    GiftCardNotFound: absent, in another program and another's are one answer (I6).
    """
    card = find(card_id)
    if card.program_id != program_id or not is_visible(card, caller):
        raise GiftCardNotFound
    return card


def is_visible(card: CardRecord, caller: Caller) -> bool:
    """Whether the caller may see the card (I6)."""
    if card.tenant_id != caller.tenant_id:
        return False
    return not is_user(caller) or card.customer_id == caller.user_id


def id_of_number(indexes: Sequence[str]) -> str:
    """The id of the card with the number of these indexes (`NumberVault.indexes_of`).

    For a number that nobody has it is the id of no card, to be looked for all the same: then such
    a number takes as many reads as another's (I6).
    """
    found = [number_record(index) for index in indexes]
    return next((record.numbered_card_id for record in found if record), _NO_CARD)


def number_record(index: str) -> CardNumberRecord | None:
    """Whose number it is, under one index, read consistently."""
    try:
        return CardNumberRecord.get(f"NUMBER#{index}", NUMBER_KEY, consistent_read=True)
    except DoesNotExist:
        return None


def get_visible_by_number(program_id: str, indexes: Sequence[str], caller: Caller) -> CardRecord:
    """As `get_visible`, by the card number's indexes. Raises GiftCardNotFound."""
    return get_visible(program_id, id_of_number(indexes), caller)


def entries(
    card_id: str, *, newest_first: bool = True, before: int | None = None, limit: int | None = None
) -> list[EntryRecord]:
    """A card's entries, those before sequence number `before`, at most `limit`."""
    return list(query_entries(card_id, newest_first=newest_first, before=before, limit=limit))


def query_entries(
    card_id: str, *, newest_first: bool, before: int | None, limit: int | None = None
) -> Iterable[EntryRecord]:
    """As `entries`, read page by page as they are taken."""
    within = (
        EntryRecord.sort_key.startswith(ENTRY_PREFIX)
        if before is None
        else EntryRecord.sort_key.between(entry_key(0), entry_key(max(before - 1, 0)))
    )
    return EntryRecord.query(
        card_id,
        within,
        scan_index_forward=not newest_first,
        consistent_read=True,
        limit=limit,
    )


def last_entry(card: CardRecord) -> EntryRecord | None:
    """The entry that the card names as its last, if it is there."""
    try:
        return EntryRecord.get(card.card_id, entry_key(card.entry_seq), consistent_read=True)
    except DoesNotExist:
        return None


def entry(card_id: str, transaction_id: str) -> EntryRecord:
    """One entry. Its number is the end of its id. Raises TransactionNotFound."""
    try:
        key = entry_key(int(transaction_id[16:], 16))
        found = EntryRecord.get(card_id, key, consistent_read=True)
    except DoesNotExist:
        raise TransactionNotFound from None
    if found.id != transaction_id:
        raise TransactionNotFound
    return found


def is_user(caller: Caller) -> bool:
    """Whether the token speaks for one of the tenant's users, not for the tenant."""
    return caller.user_id != caller.client_id
