"""Invoked under IAM: rotate the keys of gift cards' numbers and security codes."""

from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import operator_action
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.operations.reseal import ResealGiftCards
from cardvault.giftcards.operations.rotate_keys import RotateKeys
from cardvault.giftcards.security.vault import CodeVault, NumberVault

settings = Settings()
tables.use(settings, *LEDGER_RECORDS)
secrets_manager = boto_clients.secrets_manager()
numbers = CachedSecret(secrets_manager, settings.card_number_secret_arn)
codes = CachedSecret(secrets_manager, settings.security_code_secret_arn)
rotate_keys = RotateKeys(
    secrets_manager,
    numbers.arn,
    codes.arn,
    ResealGiftCards(NumberVault(numbers), CodeVault(codes)),
)


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Carries out `{"action": …, "cursor"?}`, by the names that RotateKeys has."""
    return rotate_keys(event)
