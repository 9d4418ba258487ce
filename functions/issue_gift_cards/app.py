"""POST /v2/giftcards/programs/{programId}/cards…: new cards, and their security codes."""

from cardvault.giftcards import store
from cardvault.giftcards.codes import IssueCode
from cardvault.giftcards.issue import IssueCards
from cardvault.giftcards.ledger import Ledger
from cardvault.giftcards.requests import Change
from cardvault.giftcards.vault import CodeVault, NumberVault
from cardvault.giftcards.views import Views
from cardvault.runtime import aws, http
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_cards(settings)
store.bind_programs(settings)
numbers = NumberVault(CachedSecret(aws.secrets_manager(), settings.card_number_secret_arn))
codes = CodeVault(CachedSecret(aws.secrets_manager(), settings.security_code_secret_arn))
ledger = Ledger(numbers)
issue_cards = IssueCards(ledger, Views(numbers))

ROUTES = {
    "cards": (201, issue_cards.create),
    "bulk": (201, issue_cards.bulk),
    "resend-code": (200, IssueCode(ledger, codes)),
}


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """201 with the card or cards, 200 with the security code, shown this once."""
    status, work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return http.respond(status, work(Change.of(event)))
