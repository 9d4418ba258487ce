"""POST /v2/giftcards/programs/{programId}/cards/{cardId}/…: what a merchant's staff does."""

from cardvault import errors
from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.giftcards.ledger.posting import Ledger
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.operations.administer import ManageCards
from cardvault.giftcards.operations.command import COMMAND, OF_A_CARD, WITHIN_LIMITS, Command
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.security.vault import NumberVault
from cardvault.giftcards.views import Views
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond

settings = Settings()
tables.use(settings, *LEDGER_RECORDS, ProgramRecord)
numbers = NumberVault(CachedSecret(boto_clients.secrets_manager(), settings.card_number_secret_arn))
manage = ManageCards(Ledger(numbers), Views(numbers))

ROUTES = {
    "suspend": manage.suspend,
    "unsuspend": manage.unsuspend,
    "void": manage.void,
    "process-expired": manage.process_expired,
    "adjustments": manage.adjust,
    "transfer-ownership": manage.hand_over,
}
SHOWN = (*COMMAND, errors.CannotOpen, errors.CardRefused, errors.GiftCardNotFound)
RAISES = {
    "suspend": SHOWN,
    "unsuspend": SHOWN,
    "transfer-ownership": SHOWN,
    "void": OF_A_CARD,
    "process-expired": WITHIN_LIMITS,
    "adjustments": (*WITHIN_LIMITS, errors.InsufficientFunds),
}


@endpoint(raises=RAISES)
def handler(event: request.Event) -> Response:
    """200 with the card, or with what was done to it."""
    work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return respond(200, work(Command.of(event)))
