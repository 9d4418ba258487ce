"""Posting what time did: an entry on each card that expired."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from cardvault.aws.retries import retry_lost_races
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.errors import OutOfTime
from cardvault.giftcards import store
from cardvault.giftcards.ledger import lifecycle
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.posting import LedgerWork
from cardvault.giftcards.ledger.records import CardRecord, EntryType
from cardvault.giftcards.programs import ProgramRecord


@dataclass(frozen=True, slots=True)
class Posted:
    """One round: how many expiries it posted, and whether there may be more to post now."""

    posted: int
    more: bool


@dataclass(frozen=True, slots=True)
class ExpireCards:
    """Makes expiry part of the history. A card is expired with or without it."""

    time_budget: timedelta = TIME_BUDGET
    clock: Clock = utc_now

    def __call__(self) -> Posted:
        """Post the expiry of cards whose moment has come, as far as time goes.

        Interrupted or run twice at once, it posts each once: a posted one is watched no more, so
        the next round needs no cursor.
        """
        time = Round.of(self.time_budget, self.clock)
        posted = 0
        try:
            for card_id in self._due(time):
                posted += self._expire(card_id, time)
        except OutOfTime:
            return Posted(posted, more=True)
        return Posted(posted, more=False)

    def _due(self, time: Round) -> Iterator[str]:
        for program in time.pace(ProgramRecord.scan(attributes_to_get=["programId"])):
            due = CardRecord.expires_at <= to_text(self.clock())
            for key in time.pace(CardRecord.expiring.query(program.program_id, due)):
                yield key.card_id

    @retry_lost_races
    def _expire(self, card_id: str, time: Round) -> bool:
        """Whether there was an expiry to post: the index may lag behind the card."""
        time.expect_time()
        work, card = LedgerWork(self.clock()), store.find(card_id)
        if card.expiry_watch is None or lifecycle.status(card, work.now) is not Status.EXPIRED:
            return False
        # The balance stays on the card: an extension brings it back, and what becomes of it
        # otherwise is for the merchant to decide, under the law that holds there.
        changes = {"expiry_watch": None, "holds": None}
        work.post(card, EntryType.EXPIRATION, changes=changes, until=card.expires_at)
        time.expect_time()
        work.commit()
        return True
