"""A program's cards, searched and listed, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardvault.core import typed
from cardvault.core.clock import Clock, utc_now
from cardvault.core.ids import is_id
from cardvault.errors import GiftCardNotFound
from cardvault.giftcards import programs, store
from cardvault.giftcards.ledger import lifecycle
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.records import CARD_KEY, CardRecord
from cardvault.giftcards.security.vault import is_number
from cardvault.giftcards.views import Views
from cardvault.http.caller import Caller
from cardvault.http.cursor import SealedCursors

# What one request looks at, at most: a search that finds little still answers in time, with a
# cursor to go on from.
MOST_LOOKED_AT = 1_000
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cards: all that is given must hold. `text` is looked for in what search covers."""

    status: Status | None = None
    positive_balance: bool = False
    merchant_id: str | None = None
    text: str | None = None

    def takes(self, card: CardRecord, now: datetime) -> bool:
        """Whether the card is one of those, as of now."""
        if self.status and lifecycle.status(card, now) is not self.status:
            return False
        if self.positive_balance and card.balance <= 0:
            return False
        if self.merchant_id and card.merchant_id != self.merchant_id:
            return False
        return self.text is None or _mentions(card, self.text.casefold())


@dataclass(frozen=True, slots=True)
class ListCards:
    """Reads, and can do nothing else."""

    views: Views
    clock: Clock = utc_now

    def __call__(
        self, program_id: str, wanted: Filter, caller: Caller, *, limit: int, cursor: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of cards, and the cursor of the next page if there may be one.

        A page may be short, or empty, and still have a cursor. Raises ProgramNotFound,
        InvalidRequest.
        """
        programs.get_owned(program_id, caller)
        # The card that a page ends with may be one that the caller may not see.
        whose = (program_id, caller.tenant_id, caller.user_id)
        cursors = SealedCursors(self.views.vault, whose)
        after = cursors.decode(cursor, is_id)[0] if cursor is not None else None
        now = self.clock()
        number = typed.digits(wanted.text or "")
        if is_number(number):
            return self._by_number(program_id, number, wanted, caller, now), None
        shown: list[dict[str, Any]] = []
        last = ""
        for looked_at, card in enumerate(_cards(program_id, after), start=1):
            if len(shown) == limit or looked_at > MOST_LOOKED_AT:
                return shown, cursors.encode(last)
            last = card.card_id
            if store.is_visible(card, caller) and wanted.takes(card, now):
                shown.append(self.views.card(card, now))
        return shown, None

    def _by_number(
        self, program_id: str, number: str, wanted: Filter, caller: Caller, now: datetime
    ) -> list[dict[str, Any]]:
        others = Filter(wanted.status, wanted.positive_balance, wanted.merchant_id)
        indexes = self.views.vault.indexes_of(number)
        try:
            card = store.get_visible_by_number(program_id, indexes, caller)
        except GiftCardNotFound:
            return []
        return [self.views.card(card, now)] if others.takes(card, now) else []


def _cards(program_id: str, after: str | None) -> Iterator[CardRecord]:
    """The program's cards, newest first. The index has their ids, the table the rest."""
    older = CardRecord.card_id < after if after else None
    ids: list[str] = []
    for key in CardRecord.of_program.query(
        program_id, older, scan_index_forward=False, page_size=_BATCH
    ):
        ids.append(key.card_id)
        if len(ids) == _BATCH:
            yield from _read(ids)
            ids = []
    yield from _read(ids)


def _read(ids: list[str]) -> list[CardRecord]:
    found = CardRecord.batch_get([(card_id, CARD_KEY) for card_id in ids], consistent_read=True)
    return sorted(found, key=lambda card: card.card_id, reverse=True)


def _mentions(card: CardRecord, text: str) -> bool:
    covered = (card.customer_name, card.customer_email, card.customer_id)
    return text == card.last_four_digits or any(text in (said or "").casefold() for said in covered)
