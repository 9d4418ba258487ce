"""Posting what time did: an entry on each card that expired."""

from dataclasses import dataclass

from cardvault.giftcards import lifecycle, store
from cardvault.giftcards.ledger import Plan, Posting, post_unasked
from cardvault.giftcards.lifecycle import Status
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.records import CardRecord, EntryType
from cardvault.runtime import tables
from cardvault.runtime.clock import Clock, to_text, utc_now

MOST_A_RUN = 2_000


@dataclass(frozen=True, slots=True)
class ExpireCards:
    """Makes expiry part of the history. A card is expired with or without it."""

    clock: Clock = utc_now

    def __call__(self) -> int:
        """Post the expiry of cards whose moment has come, MOST_A_RUN at most; answers how many.

        Interrupted or run twice at once, it posts each once: a posted one is watched no more.
        """
        posted = 0
        for program in ProgramRecord.scan(attributes_to_get=["programId"]):
            due = CardRecord.expiring.query(
                program.program_id, CardRecord.expires_at <= to_text(self.clock())
            )
            for key in due:
                posted += self._expire(key.card_id)
                if posted >= MOST_A_RUN:
                    return posted
        return posted

    def _expire(self, card_id: str) -> bool:
        """Whether there was an expiry to post: the index may lag behind the card."""

        def attempt() -> bool:
            now, card = self.clock(), store.find(card_id)
            if card.expiry_watch is None or lifecycle.status(card, now) is not Status.EXPIRED:
                return False
            # The balance stays on the card: an extension brings it back, and what becomes of it
            # otherwise is for the merchant to decide, under the law that holds there.
            facts = {"expiry_watch": None, "holds": None}
            posting = Posting(card, EntryType.EXPIRATION, 0, facts, {"until": card.expires_at})
            post_unasked(Plan([posting], lambda _: {}), now)
            return True

        return tables.retry_races(attempt)
