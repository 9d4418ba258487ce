"""GET /v2/giftcards/programs/{programId}/cards and …/search: a program's cards."""

from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.errors import CannotOpen, InvalidRequest, ProgramNotFound
from cardvault.giftcards.ledger.lifecycle import Status
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.queries.search import Filter, ListCards
from cardvault.giftcards.security.vault import NumberVault
from cardvault.giftcards.views import Views
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond

settings = Settings()
tables.use(settings, *LEDGER_RECORDS, ProgramRecord)
secret = CachedSecret(boto_clients.secrets_manager(), settings.card_number_secret_arn)
list_cards = ListCards(Views(NumberVault(secret)))

STATUS = request.Choice("status", list(Status))
POSITIVE_BALANCE = request.Flag("positive_balance")
MERCHANT, WORDS = request.Text("merchant_id"), request.Text("q")
LIMIT = request.WholeNumber("limit", least=1, most=250, default=50)
CURSOR = request.Text("cursor")
QUERY = (STATUS, POSITIVE_BALANCE, MERCHANT, WORDS, LIMIT, CURSOR)


@endpoint(raises=(CannotOpen, InvalidRequest, ProgramNotFound), query=QUERY)
def handler(event: request.Event) -> Response:
    """200 with a page of cards, newest first, and nextCursor if there may be more."""
    cards, cursor = list_cards(
        request.path_id(event, "programId"),
        _filter(event),
        Caller.of(event),
        limit=LIMIT(event),
        cursor=CURSOR(event),
    )
    body: dict[str, Any] = {"cards": cards}
    return respond(200, {**body, "nextCursor": cursor} if cursor else body)


def _filter(event: request.Event) -> Filter:
    status, text = STATUS(event), WORDS(event)
    if event["routeKey"].endswith("/search") and not text:
        raise InvalidRequest("q is required")
    return Filter(
        Status(status) if status else None,
        POSITIVE_BALANCE(event),
        MERCHANT(event),
        text,
    )
