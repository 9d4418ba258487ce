"""POST /v2/giftcards/programs/{programId}/balance-check: what is on a card in hand."""

from cardvault.giftcards import store
from cardvault.giftcards.balance import CheckBalance
from cardvault.giftcards.guard import CodeGuard, bind_guards
from cardvault.giftcards.vault import CodeVault, NumberVault
from cardvault.runtime import aws, http
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_cards(settings)
bind_guards(settings)
numbers = NumberVault(CachedSecret(aws.secrets_manager(), settings.card_number_secret_arn))
codes = CodeVault(CachedSecret(aws.secrets_manager(), settings.security_code_secret_arn))
check_balance = CheckBalance(CodeGuard(numbers, codes))


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with the balance, or the one 404 for everything that does not fit."""
    address = event["requestContext"]["http"].get("sourceIp")
    program_id, body = http.path_id(event, "programId"), http.json_body(event)
    return http.respond(200, check_balance(program_id, body, address))
