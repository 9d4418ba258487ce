"""Invoked under IAM: recompute gift cards from their entries and report what differs."""

from dataclasses import asdict
from typing import Any

from cardvault.giftcards import store
from cardvault.giftcards.verify import verify_some
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import operator_action

store.bind_cards(Settings())

CARDS_A_RUN = 1_000


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes `{"cursor"}`, or nothing; answers the differences, and nextCursor if there is more."""
    verified = verify_some(event.get("cursor"), CARDS_A_RUN)
    found = [asdict(difference) for difference in verified.differences]
    answer: dict[str, Any] = {"cards": verified.cards, "differences": found}
    return {**answer, "nextCursor": verified.cursor} if verified.cursor else answer
