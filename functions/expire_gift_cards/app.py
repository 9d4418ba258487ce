"""On a schedule: post the expiry of gift cards whose moment has come."""

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
    """Answers how many expiries were posted."""
    return {"posted": expire_cards()}
