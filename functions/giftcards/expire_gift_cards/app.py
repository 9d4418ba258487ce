"""On a schedule: post the expiry of gift cards whose moment has come."""

from dataclasses import asdict
from typing import Any

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.operations.expire import ExpireCards
from cardvault.giftcards.programs import ProgramRecord

settings = Settings()
tables.use(settings, *LEDGER_RECORDS, ProgramRecord)
expire_cards = ExpireCards()


@event_consumer
def handler(_event: dict[str, Any]) -> dict[str, Any]:
    """Answers how many expiries were posted, and whether there may be more to post now."""
    return asdict(expire_cards())
