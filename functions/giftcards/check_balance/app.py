"""POST /v2/giftcards/programs/{programId}/[cards/]balance-check: what is on a card in hand."""

from cardvault.audit.trail import AuditRecord
from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.errors import (
    GiftCardNotFound,
    TooManyRequests,
    TooManyWriters,
)
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.queries.balance_check import CheckBalance
from cardvault.giftcards.security.guard import CodeGuard, GuardRecord
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS, json_body
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond

settings = Settings()
tables.use(settings, *LEDGER_RECORDS, GuardRecord, AuditRecord)
numbers = NumberVault(CachedSecret(boto_clients.secrets_manager(), settings.card_number_secret_arn))
codes = CodeVault(CachedSecret(boto_clients.secrets_manager(), settings.security_code_secret_arn))
check_balance = CheckBalance(CodeGuard(numbers, codes))


@endpoint(raises=(*BODY_ERRORS, GiftCardNotFound, TooManyRequests, TooManyWriters))
def handler(event: request.Event) -> Response:
    """200 with the balance, or the one 404 for everything that does not fit."""
    address = event["requestContext"]["http"].get("sourceIp")
    program_id, body = request.path_id(event, "programId"), json_body(event)
    with_token = event["routeKey"].endswith("/cards/balance-check")
    caller = Caller.of(event) if with_token else None
    return respond(200, check_balance(program_id, body, address, caller))
