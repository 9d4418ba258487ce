"""Anchors: how far each card's ledger went, kept where no role that posts entries can write.

One function alone writes them, fed by the table's stream. So it knows each entry as it was first
written, whatever lies there since, and an anchor is a chain's head in the audit trail's table. It
follows the chain entry by entry and does not go past one that does not hold.
"""

from collections.abc import Iterator, Sequence

from pynamodb.exceptions import AttributeDeserializationError

from cardvault.audit import chain
from cardvault.aws.logs import logger
from cardvault.aws.metrics import count
from cardvault.aws.retries import retry_lost_races
from cardvault.aws.streams import Record
from cardvault.core.hash_chain import Head, follows
from cardvault.giftcards.ledger.records import EntryRecord, entry_key

SUBJECT = "LEDGER#"


def anchor_of(card_id: str) -> Head:
    """How far the card's ledger is anchored: at 0 if it is not yet."""
    return chain.kept_head(SUBJECT + card_id) or Head()


def anchor_entries(records: Sequence[Record]) -> None:
    """Anchor the entries of one card that the stream brings. Raises TooManyWriters."""
    card_id = records[0]["dynamodb"]["Keys"]["cardId"]["S"]
    for record in records:
        if record["eventName"] != "INSERT":
            _forged(card_id, record["dynamodb"]["Keys"]["sk"]["S"])
    anchor_up_to(card_id, list(_inserted(card_id, records)))


@retry_lost_races
def anchor_up_to(card_id: str, entries: Sequence[EntryRecord]) -> Head:
    """Anchor these entries and those before them that are not yet; returns the new anchor.

    Entries that came before the last anchor are left out. Raises TooManyWriters.
    """
    before, unmoved = chain.head_with_condition(SUBJECT + card_id)
    head = before
    for entry in _in_one_piece(card_id, head, entries):
        if not follows(entry, head):
            _forged(card_id, entry.sort_key)
            break
        head = Head(entry.seq, entry.hash)
    if head != before:
        chain.move_head(SUBJECT + card_id, head, unmoved)
    return head


def _in_one_piece(
    card_id: str, head: Head, entries: Sequence[EntryRecord]
) -> Iterator[EntryRecord]:
    """The entries after the head; what the stream did not bring, as it lies in the table."""
    at = head.seq
    for entry in sorted(entries, key=lambda entry: entry.seq):
        if entry.seq > at + 1:
            missed = EntryRecord.sort_key.between(entry_key(at + 1), entry_key(entry.seq - 1))
            yield from EntryRecord.query(card_id, missed, consistent_read=True)
        if entry.seq > at:
            yield entry
            at = entry.seq


def _inserted(card_id: str, records: Sequence[Record]) -> Iterator[EntryRecord]:
    for record in records:
        if record["eventName"] == "INSERT":
            try:
                yield EntryRecord.from_raw_data(dict(record["dynamodb"]["NewImage"]))
            except (AttributeDeserializationError, ValueError, TypeError):
                _forged(card_id, record["dynamodb"]["Keys"]["sk"]["S"])


def _forged(card_id: str, sort_key: str) -> None:
    count("ForgedRecord")
    logger.warning("ledger entry forged", cardId=card_id, entry=sort_key)
