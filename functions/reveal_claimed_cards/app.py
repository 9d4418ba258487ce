"""POST /api/claims/cards: the codes, for the browser that claimed the link."""

from typing import Any

from cardvault.delivery import web
from cardvault.delivery.claimed import RevealClaimed
from cardvault.delivery.links import bind_links
from cardvault.orders import store
from cardvault.runtime import aws, http
from cardvault.runtime.settings import Settings
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import bind_sealed_tables

settings = Settings()
store.bind_tables(settings)
bind_links(settings)
bind_sealed_tables(settings)
reveal_claimed = RevealClaimed(Keyring(aws.kms(), settings.card_key_arn))


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with a page of cards, and nextPage if there are more."""
    visit, body = web.read(event)
    revealed = reveal_claimed(visit, body["page"])
    answer: dict[str, Any] = {
        "orderId": revealed.order_id,
        "cards": [
            {"cardNumber": number, "code": card.value, "serial": card.serial}
            for number, card in revealed.cards
        ],
    }
    if revealed.next_page is not None:
        answer["nextPage"] = revealed.next_page
    return http.respond(200, answer)
