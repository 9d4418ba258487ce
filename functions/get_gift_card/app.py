"""GET /v2/giftcards/programs/{programId}/cards/{cardId}…: one card, and its transactions."""

from typing import Any

from cardvault.giftcards import store
from cardvault.giftcards.details import ShowCard
from cardvault.giftcards.export import as_csv
from cardvault.giftcards.vault import NumberVault
from cardvault.giftcards.views import Views
from cardvault.runtime import aws, http
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_cards(settings)
secret = CachedSecret(aws.secrets_manager(), settings.card_number_secret_arn)
show_card = ShowCard(Views(NumberVault(secret)))


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with the card, a page of its transactions, or all of them as CSV."""
    caller = Caller.of(event)
    card = (http.path_id(event, "programId"), http.path_id(event, "cardId"))
    match event["routeKey"].rpartition("/")[2]:
        case "transactions":
            before = http.integer(event, "cursor", least=2, most=999_999_999, default=0)
            limit = http.integer(event, "limit", least=1, most=250, default=50)
            found, last = show_card.transactions(*card, caller, before=before or None, limit=limit)
            page: dict[str, Any] = {"transactions": found}
            return http.respond(200, {**page, "nextCursor": str(last)} if last else page)
        case "transactions.csv":
            shown = show_card.details(*card, caller, with_transactions=True)
            return http.attachment(as_csv(shown), f"transactions-{card[1]}.csv", "text/csv")
    wanted = http.boolean(event, "include_transactions", default=False)
    return http.respond(200, show_card.details(*card, caller, with_transactions=wanted))
