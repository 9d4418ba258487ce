"""Invoked under IAM: recompute gift cards from their entries and report what differs."""

from dataclasses import asdict
from typing import Any

from cardvault.audit.chain import ChainHead
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import operator_action
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.queries.verify import VerifyCards
from cardvault.http.fields import CURSOR
from cardvault.http.schemas import body, checker

tables.use(Settings(), *LEDGER_RECORDS, ChainHead)
verify_cards = VerifyCards()

check_request = checker(body({}, {"cursor": CURSOR}))


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes `{"cursor"?}`; answers the differences, and nextCursor if there are more cards."""
    verified = verify_cards(check_request(event).get("cursor"))
    found = [asdict(difference) for difference in verified.differences]
    answer: dict[str, Any] = {"cards": verified.cards, "differences": found}
    return {**answer, "nextCursor": verified.cursor} if verified.cursor else answer
