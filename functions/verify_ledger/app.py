"""Invoked under IAM: recompute gift cards from their entries and report what differs."""

from dataclasses import asdict
from typing import Any

from cardvault.giftcards import store
from cardvault.giftcards.verify import VerifyCards
from cardvault.runtime.rounds import CURSOR
from cardvault.runtime.schemas import checker
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import operator_action

store.bind_cards(Settings())
verify_cards = VerifyCards()

check_request = checker(
    {"type": "object", "additionalProperties": False, "properties": {"cursor": CURSOR}}
)


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes `{"cursor"?}`; answers the differences, and nextCursor if there are more cards."""
    verified = verify_cards(check_request(event).get("cursor"))
    found = [asdict(difference) for difference in verified.differences]
    answer: dict[str, Any] = {"cards": verified.cards, "differences": found}
    return {**answer, "nextCursor": verified.cursor} if verified.cursor else answer
