"""GET /v2/giftcards/programs/{programId}/cards/{cardId}…: one card, and its transactions."""

from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.errors import CannotOpen, GiftCardNotFound, InvalidRequest
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.queries.csv_export import as_csv
from cardvault.giftcards.queries.details import ShowCard
from cardvault.giftcards.security.vault import NumberVault
from cardvault.giftcards.views import Views
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, attachment, respond

settings = Settings()
tables.use(settings, *LEDGER_RECORDS)
secret = CachedSecret(boto_clients.secrets_manager(), settings.card_number_secret_arn)
show_card = ShowCard(Views(NumberVault(secret)))

WITH_TRANSACTIONS = request.Flag("include_transactions")
LIMIT = request.WholeNumber("limit", least=1, most=250, default=50)
CURSOR = request.Text("cursor")
READ = (GiftCardNotFound, InvalidRequest)
RAISES = {
    "{cardId}": (CannotOpen, *READ),
    "transactions": READ,
    "transactions.csv": (CannotOpen, *READ),
}
QUERY = {"{cardId}": (WITH_TRANSACTIONS,), "transactions": (LIMIT, CURSOR), "transactions.csv": ()}


@endpoint(raises=RAISES, query=QUERY)
def handler(event: request.Event) -> Response:
    """200 with the card, a page of its transactions, or all of them as CSV."""
    caller = Caller.of(event)
    card = (request.path_id(event, "programId"), request.path_id(event, "cardId"))
    match event["routeKey"].rpartition("/")[2]:
        case "transactions":
            found, after = show_card.transactions(
                *card, caller, limit=LIMIT(event), cursor=CURSOR(event)
            )
            page: dict[str, Any] = {"transactions": found}
            return respond(200, {**page, "nextCursor": after} if after else page)
        case "transactions.csv":
            shown = show_card.details(*card, caller, with_transactions=True)
            return attachment(as_csv(shown), f"transactions-{card[1]}.csv", "text/csv")
    shown = show_card.details(*card, caller, with_transactions=WITH_TRANSACTIONS(event))
    return respond(200, shown)
