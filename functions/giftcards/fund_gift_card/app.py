"""POST /v2/giftcards/programs/{programId}/…: money onto cards, and from card to card."""

from collections.abc import Callable
from typing import Any

from cardvault import errors
from cardvault.audit.trail import AuditRecord
from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.giftcards.ledger.posting import Ledger
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.operations.command import WITHIN_LIMITS, Command
from cardvault.giftcards.operations.consolidate import ConsolidateCards
from cardvault.giftcards.operations.load import LoadCards
from cardvault.giftcards.operations.transfer import TransferBalance
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.security.guard import CodeGuard, GuardRecord
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from cardvault.giftcards.views import Views
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond

settings = Settings()
tables.use(settings, *LEDGER_RECORDS, ProgramRecord, GuardRecord, AuditRecord)
numbers = NumberVault(CachedSecret(boto_clients.secrets_manager(), settings.card_number_secret_arn))
codes = CodeVault(CachedSecret(boto_clients.secrets_manager(), settings.security_code_secret_arn))
ledger, views, guard = Ledger(numbers), Views(numbers), CodeGuard(numbers, codes)
load_cards = LoadCards(ledger, views, guard)

ROUTES: dict[str, Callable[[Command], dict[str, Any]]] = {
    "activate": load_cards.activate,
    "reload": load_cards.reload,
    "reload-by-number": load_cards.reload_by_number,
    "transfer": TransferBalance(ledger, views, guard),
    "consolidate": ConsolidateCards(ledger, views),
}
PROVED = (errors.TooManyRequests, errors.WrongSecurityCode)
RAISES = {
    "activate": (*WITHIN_LIMITS, errors.CardAltered, *PROVED),
    "reload": WITHIN_LIMITS,
    "reload-by-number": WITHIN_LIMITS,
    "consolidate": WITHIN_LIMITS,
    "transfer": (*WITHIN_LIMITS, errors.InsufficientFunds, *PROVED),
}


@endpoint(raises=RAISES)
def handler(event: request.Event) -> Response:
    """200 with the card, or with what moved."""
    work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return respond(200, work(Command.of(event)))
