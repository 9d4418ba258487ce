"""GET /v2/giftcards/programs/{programId}/cards and …/search: a program's cards."""

from typing import Any

from cardvault.errors import Unprocessable
from cardvault.giftcards import store
from cardvault.giftcards.lifecycle import Status
from cardvault.giftcards.listing import Filter, ListCards
from cardvault.giftcards.vault import NumberVault
from cardvault.giftcards.views import Views
from cardvault.runtime import aws, http
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_cards(settings)
store.bind_programs(settings)
secret = CachedSecret(aws.secrets_manager(), settings.card_number_secret_arn)
list_cards = ListCards(Views(NumberVault(secret)))


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with a page of cards, newest first, and nextCursor if there may be more."""
    cards, cursor = list_cards(
        http.path_id(event, "programId"),
        _filter(event),
        Caller.of(event),
        limit=http.integer(event, "limit", least=1, most=250, default=50),
        cursor=http.query(event, "cursor"),
    )
    body: dict[str, Any] = {"cards": cards}
    return http.respond(200, {**body, "nextCursor": cursor} if cursor else body)


def _filter(event: http.Event) -> Filter:
    status, text = http.query(event, "status"), http.query(event, "q")
    if status is not None and status not in set(Status):
        raise Unprocessable(f"status must be one of {', '.join(Status)}")
    if event["routeKey"].endswith("/search") and not text:
        raise Unprocessable("q is required")
    return Filter(
        Status(status) if status else None,
        http.boolean(event, "positive_balance", default=False),
        http.query(event, "merchant_id"),
        text,
    )
