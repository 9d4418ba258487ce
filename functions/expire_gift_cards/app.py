"""On a schedule: post the expiry of gift cards whose moment has come."""

from dataclasses import asdict
from typing import Any

from cardvault.giftcards import store
from cardvault.giftcards.expiry import ExpireCards
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import event_consumer

settings = Settings()
store.bind_cards(settings)
store.bind_programs(settings)
expire_cards = ExpireCards()


@event_consumer
def handler(_event: dict[str, Any]) -> dict[str, Any]:
    """Answers how many expiries were posted, and whether there may be more to post now."""
    return asdict(expire_cards())
