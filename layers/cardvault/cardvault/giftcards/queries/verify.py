"""Recomputing every card from its entries.

    python -m cardvault.giftcards.queries.verify [CARD_ID ...]

prints each difference, for the cards named or for all; exit status 1 if there is one. Reads
GIFT_CARDS_TABLE and AUDIT_TABLE.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cardvault.audit.chain import ChainHead
from cardvault.aws import tables
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.aws.settings import Settings
from cardvault.core import hash_chain
from cardvault.core.clock import Clock, utc_now
from cardvault.core.ids import is_id
from cardvault.errors import GiftCardNotFound, OutOfTime
from cardvault.giftcards import store
from cardvault.giftcards.ledger.anchor import anchor_of
from cardvault.giftcards.ledger.records import (
    CARD_KEY,
    LEDGER_RECORDS,
    CardRecord,
    EntryRecord,
    EntryType,
)
from cardvault.http import cursor as cursors

# An answer of Lambda holds 6 MB, so many differences come in several answers.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_DIFFERENCES = 1_000
_NO_HURRY = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a card's ledger does not hold, and how. `seq` is the entry's number."""

    card_id: str
    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What one go over the cards found; `cursor` is where to go on, None at the end."""

    cards: int
    differences: list[Difference]
    cursor: str | None


def differences(card: CardRecord, entries: Sequence[EntryRecord]) -> Iterator[Difference]:
    """Every difference of a card and its entries: of the chain, then of the money (I7, I10)."""
    for broken in hash_chain.breaks(entries, hash_chain.Head(card.entry_seq, card.entry_hash)):
        yield Difference(card.card_id, broken.seq, broken.why)
    seq, balance = 0, 0
    for entry in entries:
        for why in _faults(entry, balance):
            yield Difference(card.card_id, entry.seq, why)
        seq, balance = entry.seq, entry.balance_after
    if entries and entries[-1].card_hash not in {None, card.state_hash}:
        yield Difference(card.card_id, seq, "the card is not as its last entry left it")
    if balance != card.balance:
        yield Difference(card.card_id, seq, "the card's balance is not the sum of its entries")
    for seq in _refunded_twice(entries):
        yield Difference(card.card_id, seq, "gives back more than was taken")


def _faults(entry: EntryRecord, balance: int) -> Iterator[str]:
    if entry.balance_before != balance:
        yield "does not begin with the balance before it"
    if entry.balance_before + entry.amount != entry.balance_after:
        yield "does not add up"
    if entry.balance_after < 0:
        yield "a balance below zero"


def _refunded_twice(entries: Sequence[EntryRecord]) -> Iterator[int]:
    refundable = {entry.id: -entry.amount for entry in entries if entry.amount < 0}
    for entry in entries:
        if entry.transaction_type == EntryType.REFUND:
            taken = entry.related_transaction_id or ""
            refundable[taken] = refundable.get(taken, 0) - entry.amount
            if refundable[taken] < 0:
                yield entry.seq


def verify_card(card_id: str, time: Round | None = None) -> list[Difference]:
    """The differences of one card; a write that happens meanwhile is none.

    Raises GiftCardNotFound, OutOfTime.
    """
    time = time or Round.of(_NO_HURRY, utc_now)
    time.expect_time()
    anchor = anchor_of(card_id)
    time.expect_time()
    card = store.find(card_id)
    up_to_the_card = store.query_entries(card_id, newest_first=False, before=card.entry_seq + 1)
    entries = list(time.pace(up_to_the_card))
    found = list(differences(card, entries))
    if anchor.seq and anchor.hash not in {entry.hash for entry in entries}:
        found.append(Difference(card_id, anchor.seq, "not the entry that was anchored"))
    time.expect_time()
    newest = store.entries(card_id, limit=1)
    time.expect_time()
    if newest and newest[0].seq > store.find(card_id).entry_seq:
        found.append(Difference(card_id, newest[0].seq, "added after the head"))
    return found


@dataclass(frozen=True, slots=True)
class VerifyCards:
    """Verifies for at most `time_budget` a round, and reads alone."""

    time_budget: timedelta = TIME_BUDGET
    clock: Clock = utc_now

    def __call__(self, cursor: str | None = None) -> Verified:
        """Verify the cards behind `cursor`, as far as time goes. Raises InvalidRequest, OutOfTime.

        The differences of a card are never split over two rounds.
        """
        time = Round.of(self.time_budget, self.clock)
        found: list[Difference] = []
        cards, last = 0, cursor
        keys = CardRecord.of_program.scan(last_evaluated_key=_position(cursor))
        try:
            for key in time.pace(keys):
                found += verify_card(key.card_id, time)
                cards, last = cards + 1, cursors.encode(key.program_id, key.card_id)
                if len(found) >= MOST_DIFFERENCES:
                    return Verified(cards, found, last)
        except OutOfTime:
            if last == cursor:
                raise
            return Verified(cards, found, last)
        return Verified(cards, found, None)


def _position(cursor: str | None) -> dict[str, dict[str, str]] | None:
    if cursor is None:
        return None
    program_id, card_id = cursors.decode(cursor, is_id, is_id)
    keys = {"programId": program_id, "cardId": card_id, "sk": CARD_KEY}
    return {name: {"S": text} for name, text in keys.items()}


def main() -> int:
    """The command."""
    tables.use(Settings(), *LEDGER_RECORDS, ChainHead)
    try:
        cards, found = _verify_named(sys.argv[1:]) if sys.argv[1:] else _verify_all()
    except GiftCardNotFound:
        sys.stderr.write("no such gift card\n")
        return 2
    for fault in found:
        sys.stdout.write(f"card {fault.card_id}, entry {fault.seq}: {fault.why}\n")
    sys.stdout.write(f"{cards} cards verified, {len(found)} differences\n")
    return 1 if found else 0


def _verify_named(card_ids: Sequence[str]) -> tuple[int, list[Difference]]:
    return len(card_ids), [fault for card_id in card_ids for fault in verify_card(card_id)]


def _verify_all() -> tuple[int, list[Difference]]:
    verify_cards = VerifyCards(_NO_HURRY)
    verified = verify_cards()
    cards, found = verified.cards, verified.differences
    while verified.cursor:
        verified = verify_cards(verified.cursor)
        cards, found = cards + verified.cards, found + verified.differences
    return cards, found


if __name__ == "__main__":
    sys.exit(main())
