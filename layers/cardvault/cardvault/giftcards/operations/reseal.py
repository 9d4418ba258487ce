"""Taking what is sealed, and what is found by a MAC, from a former key to the one in use.

One go over the gift cards' table, in rounds. Each card is one transaction of its own, and each
idempotency record one write: interrupted anywhere or run twice at once, it is as if run once.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cardvault.aws import tables
from cardvault.aws.logs import logger
from cardvault.aws.retries import retry_lost_races
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import CannotOpen, OutOfTime, TooManyWriters
from cardvault.giftcards import store
from cardvault.giftcards.ledger.idempotency import place_of
from cardvault.giftcards.ledger.posting import LedgerWork
from cardvault.giftcards.ledger.records import (
    CARD_KEY,
    CardNumberRecord,
    CardRecord,
    EntryType,
    IdempotencyRecord,
)
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from cardvault.http import cursor as cursors

SCAN_PAGE = 500


@dataclass(frozen=True, slots=True)
class Resealed:
    """One round: how many items it took to the key in use, and how many it could not.

    `cursor` is where the next round goes on, None at the end; `is_clean` is then whether no round
    before it left anything behind either.
    """

    resealed: int
    failed: int
    cursor: str | None
    is_clean: bool


@dataclass(frozen=True, slots=True)
class ResealGiftCards:
    """Re-seals for at most `time_budget` a round."""

    numbers: NumberVault
    codes: CodeVault
    time_budget: timedelta = TIME_BUDGET
    clock: Clock = utc_now

    def __call__(self, cursor: str | None = None) -> Resealed:
        """Re-seal what lies behind `cursor`, as far as time goes. Raises InvalidRequest, OutOfTime.

        What does not open is left as it is, told in the log, and counted as failed.
        """
        time = Round.of(self.time_budget, self.clock)
        left_before, key = _read(cursor) if cursor else (0, None)
        resealed, failed, last = 0, 0, cursor
        keys = CardRecord.scan(
            attributes_to_get=["cardId", "sk"], page_size=SCAN_PAGE, last_evaluated_key=key
        )
        try:
            for item in time.pace(keys):
                try:
                    resealed += self._reseal(item.card_id, item.sort_key, time)
                except (CannotOpen, TooManyWriters) as error:
                    failed += 1
                    logger.warning("not re-sealed", owner=item.card_id, code=error.code)
                last = cursors.encode(left_before + failed, item.card_id, item.sort_key)
        except OutOfTime:
            if last == cursor:
                raise
            return Resealed(resealed, failed, last, is_clean=False)
        return Resealed(resealed, failed, None, is_clean=left_before + failed == 0)

    def _reseal(self, owner_id: str, sort_key: str, time: Round) -> bool:
        """Whether there was anything to re-seal under that key."""
        if sort_key == CARD_KEY:
            return self._reseal_card(owner_id, time)
        if sort_key.startswith("IDEM#"):
            return self._reseal_answer(owner_id, sort_key, time)
        return False

    @retry_lost_races
    def _reseal_card(self, card_id: str, time: Round) -> bool:
        time.expect_time()
        work, card = LedgerWork(self.clock()), store.find(card_id)
        number = self.numbers.open(card.sealed_number, card_id)
        changes: dict[str, Any] = {}
        if not self.numbers.is_current(card.sealed_number, card_id):
            changes["sealed_number"] = self.numbers.seal(number, card_id)
        if card.code_mac is not None and not self.codes.is_current(card.code_mac):
            changes["code_mac"] = self.codes.mac_again(card.code_mac)
        time.expect_time()
        moved = self._move_number(work, number, card_id)
        if not changes and not moved:
            return False
        work.post(card, EntryType.KEY_ROTATION, changes=changes)
        time.expect_time()
        work.commit()
        return True

    def _move_number(self, work: LedgerWork, number: str, card_id: str) -> bool:
        """Have the number be found under the key in use, and no more under another."""
        *others, current = self.numbers.indexes_of(number)
        found = store.number_record(current)
        if found and found.numbered_card_id == card_id:
            return False
        record = CardNumberRecord(f"NUMBER#{current}", numbered_card_id=card_id)
        work.save(record, CardNumberRecord.key.does_not_exist())
        its_own = CardNumberRecord.key.does_not_exist() | (
            CardNumberRecord.numbered_card_id == card_id
        )
        for index in others:
            work.delete(CardNumberRecord(f"NUMBER#{index}"), its_own)
        return True

    @retry_lost_races
    def _reseal_answer(self, owner_id: str, sort_key: str, time: Round) -> bool:
        time.expect_time()
        record = IdempotencyRecord.get(owner_id, sort_key, consistent_read=True)
        sealed, place = record.sealed_answer, place_of(owner_id, sort_key)
        if self.numbers.is_current(sealed, place):
            return False
        answer = self.numbers.open(sealed, place)
        time.expect_time()
        tables.update(
            record,
            [
                IdempotencyRecord.sealed_answer.set(self.numbers.seal(answer, place)),
                IdempotencyRecord.request_mac.set(
                    self.numbers.fingerprint_again(record.request_mac)
                ),
            ],
            condition=IdempotencyRecord.sealed_answer == sealed,
        )
        return True


def _read(cursor: str) -> tuple[int, dict[str, dict[str, str]]]:
    """How many were left behind until there, and the last key that was looked at."""
    left_before, owner_id, sort_key = cursors.decode(cursor, _is_number, _is_key, _is_key)
    return left_before, {"cardId": {"S": owner_id}, "sk": {"S": sort_key}}


def _is_number(part: Any) -> bool:
    return type(part) is int and part >= 0


def _is_key(part: Any) -> bool:
    return isinstance(part, str) and part != ""
