"""On a schedule: post the expiry of gift cards whose moment has come."""

from dataclasses import asdict
from typing import Any

from cardvault.aws.settings import Settings
from cardvault.aws.tasks import event_consumer
from cardvault.giftcards import store
from cardvault.giftcards.operations.expire import ExpireCards

settings = Settings()
store.bind_cards(settings)
store.bind_programs(settings)
expire_cards = ExpireCards()


@event_consumer
def handler(_event: dict[str, Any]) -> dict[str, Any]:
    """Answers how many expiries were posted, and whether there may be more to post now."""
    return asdict(expire_cards())
