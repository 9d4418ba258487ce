"""POST /v2/giftcards/programs/{programId}/cards/{cardId}/…: spend, give back, hold."""

from cardvault import errors
from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.giftcards.ledger.posting import Ledger
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.operations.command import IDEMPOTENT, OF_A_CARD, WITHIN_LIMITS, Command
from cardvault.giftcards.operations.holds import HoldMoney
from cardvault.giftcards.operations.spend import SpendFromCards
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.security.vault import NumberVault
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond

settings = Settings()
tables.use(settings, *LEDGER_RECORDS, ProgramRecord)
numbers = NumberVault(CachedSecret(boto_clients.secrets_manager(), settings.card_number_secret_arn))
ledger = Ledger(numbers)
spend, hold = SpendFromCards(ledger), HoldMoney(ledger)

ROUTES = {
    "redeem": (200, spend.redeem),
    "refund": (200, spend.refund),
    "holds": (201, hold.authorize),
    "capture": (200, hold.capture),
    "release": (200, hold.release),
}
RAISES = {
    "redeem": (*OF_A_CARD, errors.InsufficientFunds),
    "refund": (*WITHIN_LIMITS, errors.TransactionNotFound),
    "holds": (*OF_A_CARD, errors.InsufficientFunds, errors.LimitExceeded),
    "capture": (*OF_A_CARD, errors.HoldNotFound, errors.InsufficientFunds),
    "release": (*IDEMPOTENT, errors.GiftCardNotFound, errors.HoldNotFound),
}


@endpoint(raises=RAISES)
def handler(event: request.Event) -> Response:
    """200 with what moved, 201 with the hold."""
    status, work = ROUTES[event["routeKey"].rpartition("/")[2]]
    return respond(status, work(Command.of(event)))
