"""The ledger: every change of a card is one entry, written with the card or not at all.

A move over one card or many is one transaction: each card under the condition that nobody wrote
since it was read, each card's entry, and the Idempotency-Key with the answer. So money is never
half moved, and the same key moves it once, for ever (I10): whoever repeats it, also after a crash
behind the transaction, gets the first answer.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pynamodb.exceptions import DoesNotExist

from cardvault.aws import retries, tables
from cardvault.aws.retries import LostRace
from cardvault.core import decimal_json
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import CardvaultError, KeyReusedForAnotherRequest
from cardvault.giftcards.ledger.records import (
    CardRecord,
    EntryRecord,
    EntryType,
    KeyMark,
    entry_key,
)
from cardvault.giftcards.security.vault import NumberVault
from cardvault.http.fields import idempotency_key

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Once:
    """An Idempotency-Key: whose, of which card (or program), for which action and body."""

    tenant_id: str
    owner_id: str
    action: str
    key: str
    body: Mapping[str, Any]

    @classmethod
    def of(
        cls, key: str | None, tenant_id: str, owner_id: str, action: str, body: Mapping[str, Any]
    ) -> "Once":
        """Raises InvalidRequest when there is no key, or none of 1 to 128 visible characters."""
        return cls(tenant_id, owner_id, action, idempotency_key(key), body)

    @property
    def sort_key(self) -> str:
        """Where its mark lies: the same key of another tenant or action is another key (I6)."""
        text = json.dumps([self.tenant_id, self.action, self.key])
        return "IDEM#" + hashlib.sha256(text.encode()).hexdigest()

    @property
    def place(self) -> str:
        """What its answer is sealed for."""
        return f"{self.owner_id} {self.sort_key}"

    @property
    def content(self) -> str:
        """What tells a repeat from another request.

        Without the security code: a repeat need not prove it again, and nothing is kept of it.
        """
        told = {name: value for name, value in self.body.items() if name != "securityCode"}
        return json.dumps(told, sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry to come on one card, and the facts of the card that change with it.

    A fact given as None is removed. `details` are attributes of the entry.
    """

    card: CardRecord
    kind: EntryType
    amount: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write in one transaction, at most one posting a card.

    `answer` is asked once the entries are known and the cards as they will be; `also` adds
    writes of its own.
    """

    postings: Sequence[Posting]
    answer: Callable[[Sequence[EntryRecord]], Answer]
    also: Callable[["TransactWrite"], None] | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Carries out plans, each exactly once per Idempotency-Key."""

    vault: NumberVault
    clock: Clock = utc_now

    def post(
        self, decide: Callable[[datetime], Plan], once: Once | None, by: str | None = None
    ) -> Answer:
        """Read, judge and write as `decide` says of this moment, until no race is lost.

        `decide` reads the cards anew at each try, and may raise. `by` is the API client. A key
        used before is answered as it was then. Raises KeyReusedForAnotherRequest,
        TooManyWriters, and what `decide` raises.
        """
        return retries.retry_races(lambda: self._attempt(decide, once, by))

    def _attempt(
        self, decide: Callable[[datetime], Plan], once: Once | None, by: str | None
    ) -> Answer:
        try:
            now = self.clock()
            return self._commit(decide(now), once, by, now)
        except (LostRace, CardvaultError):
            # A repeat meets the card as the first request left it: spent, voided, or written
            # under the same key. So the key is looked for only here, and costs nothing before.
            first = self._first_answer(once) if once else None
            if first is None:
                raise
            return first

    def _commit(self, plan: Plan, once: Once | None, by: str | None, now: datetime) -> Answer:
        transaction = tables.writing()
        answer = _write(transaction, plan, by, now)
        if once:
            mark = KeyMark(
                once.owner_id,
                once.sort_key,
                request_mac=self.vault.fingerprint(once.content),
                sealed_answer=self.vault.seal(decimal_json.dumps(answer), once.place),
            )
            transaction.save(mark, condition=KeyMark.owner_id.does_not_exist())
        tables.commit(transaction)
        return answer

    def _first_answer(self, once: Once) -> Answer | None:
        try:
            mark = KeyMark.get(once.owner_id, once.sort_key, consistent_read=True)
        except DoesNotExist:
            return None
        if mark.request_mac != self.vault.fingerprint(once.content):
            raise KeyReusedForAnotherRequest
        answer: Answer = decimal_json.loads(self.vault.open(mark.sealed_answer, once.place))
        return answer


def post_unasked(plan: Plan, now: datetime) -> None:
    """Write a plan that nobody asked for, and so nobody repeats. Raises LostRace."""
    transaction = tables.writing()
    _write(transaction, plan, None, now)
    tables.commit(transaction)


def _write(transaction: "TransactWrite", plan: Plan, by: str | None, now: datetime) -> Answer:
    entries = [_post(transaction, posting, by, now) for posting in plan.postings]
    if plan.also:
        plan.also(transaction)
    return plan.answer(entries)


def _post(
    transaction: "TransactWrite", posting: Posting, by: str | None, now: datetime
) -> EntryRecord:
    """Add the entry and its card to the transaction; the card in memory becomes the new one."""
    card = posting.card
    read_seq, read_balance = card.entry_seq, card.balance
    entry = _entry(posting, by, now)
    facts = {
        **posting.facts,
        "balance": entry.balance_after,
        "updated_at": entry.created_at,
        "entry_seq": entry.seq,
        "entry_hash": entry.hash,
    }
    for name, value in facts.items():
        setattr(card, name, value)
    transaction.save(entry, condition=EntryRecord.card_id.does_not_exist())
    if read_seq == 0:
        transaction.save(card, condition=CardRecord.card_id.does_not_exist())
        return entry
    columns = {name: getattr(CardRecord, name) for name in facts}
    actions = [
        columns[name].remove() if value is None else columns[name].set(value)
        for name, value in facts.items()
    ]
    unchanged = (CardRecord.entry_seq == read_seq) & (CardRecord.balance == read_balance)
    transaction.update(card, actions, condition=unchanged)
    return entry


def _entry(posting: Posting, by: str | None, now: datetime) -> EntryRecord:
    card, seq = posting.card, posting.card.entry_seq + 1
    before = card.balance
    after = before + posting.amount
    if after < 0:
        raise AssertionError("a plan would take the balance below zero")
    entry = EntryRecord(
        card.card_id,
        entry_key(seq),
        id=_entry_id(now, seq),
        seq=seq,
        transaction_type=posting.kind.value,
        amount=posting.amount,
        balance_before=before,
        balance_after=after,
        # Clocks of two machines differ; the entries of one card never go back in time.
        created_at=max(to_text(now), card.updated_at),
        merchant_id=card.merchant_id,
        client_id=by,
        previous_hash=card.entry_hash,
        **posting.details,
    )
    entry.hash = entry.computed_hash()
    return entry


def _entry_id(now: datetime, seq: int) -> str:
    """An id as all of ours are, but for its last 8 digits: the entry's number, to find it by."""
    time = int(now.timestamp()).to_bytes(4, "big").hex()
    return time + secrets.token_hex(4) + seq.to_bytes(4, "big").hex()
