"""POST /api/claims/cards: the codes, for the browser that claimed the link."""

from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.claims.reveal import RevealClaimed
from cardvault.errors import CannotOpen, LinkUnusable, TooManyWriters
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import LINK_RECORDS
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord, SealedPage

settings = Settings()
tables.use(settings, *LINK_RECORDS, SealedPage, DataKeyRecord)
reveal_claimed = RevealClaimed(Keyring(boto_clients.kms(), settings.card_key_arn))


@endpoint(raises=(*BODY_ERRORS, CannotOpen, LinkUnusable, TooManyWriters))
def handler(event: request.Event) -> Response:
    """200 with a page of cards, and nextPage if there are more."""
    claim, body = claim_request.read(event)
    revealed = reveal_claimed(claim, body["page"])
    answer: dict[str, Any] = {
        "orderId": revealed.order_id,
        "cards": [card.view(number) for number, card in revealed.cards],
    }
    if revealed.next_page is not None:
        answer["nextPage"] = revealed.next_page
    return respond(200, answer)
