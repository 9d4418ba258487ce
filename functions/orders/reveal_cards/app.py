"""GET /api/orders/{orderId}/cards: an order's codes, to its owner."""

from typing import Any

from cardvault import errors
from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders.records import ORDER_RECORDS
from cardvault.orders.reveal import RevealCards
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord, SealedPage

settings = Settings()
tables.use(settings, *ORDER_RECORDS, SealedPage, DataKeyRecord)
reveal_cards = RevealCards(Keyring(boto_clients.kms(), settings.card_key_arn))

PAGE = request.WholeNumber("cursor", least=0, most=9_999, default=0)


@endpoint(
    raises=(
        errors.CannotOpen,
        errors.CardsShredded,
        errors.InvalidRequest,
        errors.OrderNotFound,
        errors.OrderNotFulfilled,
        errors.TooManyWriters,
    ),
    query=(PAGE,),
)
def handler(event: request.Event) -> Response:
    """200 with a page of cards, and nextCursor if there are more."""
    revealed = reveal_cards(request.order_id(event), PAGE(event), Caller.of(event))
    body: dict[str, Any] = {
        "orderId": revealed.order_id,
        "cards": [card.view(number) for number, card in revealed.cards],
    }
    if revealed.next_page is not None:
        body["nextCursor"] = str(revealed.next_page)
    return respond(200, body)
