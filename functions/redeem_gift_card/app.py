"""POST /v2/giftcards/programs/{programId}/cards/{cardId}/…: spend, give back, hold."""

from cardvault.giftcards import store
from cardvault.giftcards.holds import HoldMoney
from cardvault.giftcards.ledger import Ledger
from cardvault.giftcards.requests import Change
from cardvault.giftcards.spend import SpendFromCards
from cardvault.giftcards.vault import NumberVault
from cardvault.runtime import aws, http
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_cards(settings)
store.bind_programs(settings)
numbers = NumberVault(CachedSecret(aws.secrets_manager(), settings.card_number_secret_arn))
ledger = Ledger(numbers)
spend, hold = SpendFromCards(ledger), HoldMoney(ledger)

ROUTES = {
    "redeem": (200, spend.redeem),
    "refund": (200, spend.refund),
    "holds": (201, hold.authorize),
    "capture": (200, hold.capture),
    "release": (200, hold.release),
}


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with what moved, 201 with the hold."""
    status, work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return http.respond(status, work(Change.of(event)))
