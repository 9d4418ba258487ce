"""Looking at one gift card, and at its transactions."""

from dataclasses import dataclass
from typing import Any

from cardvault.core.clock import Clock, utc_now
from cardvault.giftcards import store
from cardvault.giftcards.views import Views, transaction
from cardvault.http import cursor as cursors
from cardvault.http.caller import Caller


@dataclass(frozen=True, slots=True)
class ShowCard:
    """Reads, and can do nothing else."""

    views: Views
    clock: Clock = utc_now

    def details(
        self, program_id: str, card_id: str, caller: Caller, *, with_transactions: bool
    ) -> dict[str, Any]:
        """The card as of now; with all its transactions, newest first, if asked for.

        One read, and one more query with transactions. Raises GiftCardNotFound.
        """
        card = store.get_visible(program_id, card_id, caller)
        shown = self.views.card(card, self.clock())
        if with_transactions:
            # What was posted since the card was read would not add up to its balance.
            entries = store.entries(card_id, before=card.entry_seq + 1)
            shown["transactions"] = [transaction(entry) for entry in entries]
        return shown

    def transactions(
        self, program_id: str, card_id: str, caller: Caller, *, limit: int, cursor: str | None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """A page of transactions, newest first, and the cursor of the next page if there is one.

        Raises GiftCardNotFound, InvalidRequest.
        """
        before = cursors.decode(cursor, cursors.is_count)[0] if cursor is not None else None
        store.get_visible(program_id, card_id, caller)
        entries = store.entries(card_id, before=before, limit=limit)
        more = len(entries) == limit and entries[-1].seq > 1
        shown = [transaction(entry) for entry in entries]
        return shown, cursors.encode(entries[-1].seq) if more else None
