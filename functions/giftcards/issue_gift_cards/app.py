"""POST /v2/giftcards/programs/{programId}/cards…: new cards, and their security codes."""

from collections.abc import Callable
from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.errors import CardRefused, GiftCardNotFound, LimitExceeded, ProgramNotFound
from cardvault.giftcards.ledger.posting import Ledger
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.operations.command import COMMAND, IDEMPOTENT, Command
from cardvault.giftcards.operations.issue import IssueCards
from cardvault.giftcards.operations.security_code import IssueCode
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from cardvault.giftcards.views import Views
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond

settings = Settings()
tables.use(settings, *LEDGER_RECORDS, ProgramRecord)
numbers = NumberVault(CachedSecret(boto_clients.secrets_manager(), settings.card_number_secret_arn))
codes = CodeVault(CachedSecret(boto_clients.secrets_manager(), settings.security_code_secret_arn))
ledger = Ledger(numbers)
issue_cards = IssueCards(ledger, Views(numbers))

ROUTES: dict[str, tuple[int, Callable[[Command], dict[str, Any]]]] = {
    "cards": (201, issue_cards.create),
    "bulk": (201, issue_cards.bulk),
    "resend-code": (200, IssueCode(ledger, codes)),
}
RAISES = {
    "cards": (*IDEMPOTENT, LimitExceeded, ProgramNotFound),
    "bulk": (*IDEMPOTENT, LimitExceeded, ProgramNotFound),
    "resend-code": (*COMMAND, CardRefused, GiftCardNotFound),
}


@endpoint(raises=RAISES)
def handler(event: request.Event) -> Response:
    """201 with the card or cards, 200 with the security code, shown this once."""
    status, work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return respond(status, work(Command.of(event)))
