"""Posting entries: every change of a card is one entry, written with the card or not at all.

A change of one card or many is one unit of work: each card under the condition that nobody wrote
since it was read, each card's entry, and the idempotency record with the answer. So money is never
half moved, and the same key moves it once, for ever (I10): a repeat gets the first answer, also
after a crash that followed the transaction.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.aws.unit_of_work import UnitOfWork, actions_of
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.giftcards.ledger.idempotency import Answer, IdempotentRequest
from cardvault.giftcards.ledger.records import (
    CardRecord,
    EntryRecord,
    EntryType,
    IdempotencyRecord,
    entry_key,
)
from cardvault.giftcards.security.vault import NumberVault


class LedgerWork(UnitOfWork):
    """A unit of work over gift cards as they were read, as of `now`.

    `client_id` is the API client who asked for it, and `request` what makes it repeatable.
    """

    def __init__(
        self, now: datetime, client_id: str | None = None, request: IdempotentRequest | None = None
    ) -> None:
        super().__init__()
        self.now = now
        self._client_id = client_id
        self._request = request

    def post(
        self,
        card: CardRecord,
        kind: EntryType,
        amount: int = 0,
        changes: Mapping[str, Any] | None = None,
        **details: Any,
    ) -> EntryRecord:
        """Add an entry and its card, at most one entry a card; the card in memory is then the new.

        `amount` is in minor units, `changes` are attributes of the card (None removes one),
        `details` attributes of the entry.
        """
        read_seq, read_balance = card.entry_seq, card.balance
        details["client_id"] = self._client_id
        entry, changes = next_entry(card, kind, amount, self.now, changes, **details)
        self.save(entry, EntryRecord.card_id.does_not_exist())
        if read_seq == 0:
            self.save(card, CardRecord.card_id.does_not_exist())
        else:
            unchanged = (CardRecord.entry_seq == read_seq) & (CardRecord.balance == read_balance)
            self.act(card, actions_of(CardRecord, changes), unchanged)
        return entry

    def commit_answer(self, answer: Answer) -> Answer:
        """Write everything, the idempotency record with the answer too, or nothing.

        Raises LostRace.
        """
        if self._request:
            record = self._request.record(answer)
            self.save(record, IdempotencyRecord.owner_id.does_not_exist())
        self.commit()
        return answer


@dataclass(frozen=True, slots=True)
class Ledger:
    """Begins units of work."""

    vault: NumberVault
    clock: Clock = utc_now

    def begin(self, client_id: str, request: IdempotentRequest | None = None) -> LedgerWork:
        """A unit of work for the API client, as of now."""
        return LedgerWork(self.clock(), client_id, request)


def next_entry(
    card: CardRecord,
    kind: EntryType,
    amount: int,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    **details: Any,
) -> tuple[EntryRecord, Mapping[str, Any]]:
    """The card's next entry, with its hash, and every change of the card in memory with it."""
    seq, before = card.entry_seq + 1, card.balance
    if before + amount < 0:
        raise AssertionError("an entry would take the balance below zero")
    entry = EntryRecord(
        card.card_id,
        entry_key(seq),
        id=_entry_id(now, seq),
        seq=seq,
        transaction_type=kind.value,
        amount=amount,
        balance_before=before,
        balance_after=before + amount,
        # Clocks of two machines differ; the entries of one card never go back in time.
        created_at=max(to_text(now), card.updated_at),
        merchant_id=card.merchant_id,
        previous_hash=card.entry_hash,
        **details,
    )
    changes = {**(changes or {}), "balance": entry.balance_after}
    _set(card, changes)
    entry.card_hash = card.state_hash
    entry.hash = entry.computed_hash()
    end = {"updated_at": entry.created_at, "entry_seq": seq, "entry_hash": entry.hash}
    _set(card, end)
    return entry, {**changes, **end}


def _set(card: CardRecord, changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        setattr(card, name, value)


def _entry_id(now: datetime, seq: int) -> str:
    """An id as all of ours are, but for its last 8 digits: the entry's number, to find it by."""
    time = int(now.timestamp()).to_bytes(4, "big").hex()
    return time + secrets.token_hex(4) + seq.to_bytes(4, "big").hex()
