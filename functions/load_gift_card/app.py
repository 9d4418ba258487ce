"""POST /v2/giftcards/programs/{programId}/…: money onto cards, and from card to card."""

from cardvault.giftcards import store
from cardvault.giftcards.consolidate import ConsolidateCards
from cardvault.giftcards.guard import CodeGuard, bind_guards
from cardvault.giftcards.ledger import Ledger
from cardvault.giftcards.load import LoadCards
from cardvault.giftcards.requests import Change
from cardvault.giftcards.transfer import TransferBalance
from cardvault.giftcards.vault import CodeVault, NumberVault
from cardvault.giftcards.views import Views
from cardvault.runtime import aws, http
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_cards(settings)
store.bind_programs(settings)
bind_guards(settings)
numbers = NumberVault(CachedSecret(aws.secrets_manager(), settings.card_number_secret_arn))
codes = CodeVault(CachedSecret(aws.secrets_manager(), settings.security_code_secret_arn))
ledger, views, guard = Ledger(numbers), Views(numbers), CodeGuard(numbers, codes)
load_cards = LoadCards(ledger, views, guard)

ROUTES = {
    "activate": load_cards.activate,
    "reload": load_cards.reload,
    "reload-by-number": load_cards.reload_by_number,
    "transfer": TransferBalance(ledger, views, guard),
    "consolidate": ConsolidateCards(ledger, views),
}


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with the card, or with what moved."""
    work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return http.respond(200, work(Change.of(event)))
