"""POST /v2/giftcards/programs/{programId}/cards/{cardId}/…: what a merchant's staff does."""

from cardvault.giftcards import store
from cardvault.giftcards.ledger import Ledger
from cardvault.giftcards.manage import ManageCards
from cardvault.giftcards.requests import Change
from cardvault.giftcards.vault import NumberVault
from cardvault.giftcards.views import Views
from cardvault.runtime import aws, http
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_cards(settings)
store.bind_programs(settings)
numbers = NumberVault(CachedSecret(aws.secrets_manager(), settings.card_number_secret_arn))
manage = ManageCards(Ledger(numbers), Views(numbers))

ROUTES = {
    "suspend": manage.suspend,
    "unsuspend": manage.unsuspend,
    "void": manage.void,
    "process-expired": manage.process_expired,
    "adjustments": manage.adjust,
    "transfer-ownership": manage.hand_over,
}


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with the card, or with what was done to it."""
    work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return http.respond(200, work(Change.of(event)))
