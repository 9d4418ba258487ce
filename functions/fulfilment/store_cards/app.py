"""Workflow step StoreCards: fetch the cards, seal them, write them. No code leaves this step."""

from typing import Any

from cardvault import errors
from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import workflow_step
from cardvault.fulfilment.store_cards import StoreCards
from cardvault.orders.records import COUNTED_ORDER_RECORDS
from cardvault.sealing.code_marks import CodeMark
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord, SealedPage
from cardvault.supplier import client
from cardvault.supplier.bootstrap import supplier_client

settings = Settings()
tables.use(settings, *COUNTED_ORDER_RECORDS, SealedPage, DataKeyRecord, CodeMark)
store_cards = StoreCards(
    supplier_client(settings),
    Keyring(boto_clients.kms(), settings.card_key_arn),
    CachedSecret(boto_clients.secrets_manager(), settings.fingerprint_secret_arn),
)


@workflow_step(
    raises=(
        *client.ERRORS,
        errors.CannotOpen,
        errors.CardCountMismatch,
        errors.CardTooLong,
        errors.CardUnreadable,
        errors.CardsNotReady,
        errors.DuplicateCards,
        errors.OrderNotFound,
        errors.OrderTooLarge,
        errors.StoredCardsDiffer,
        errors.StoringOvertaken,
        errors.TooManyWriters,
    )
)
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Takes the orderId; answers the order's status, its stored cards, and if mail is wanted."""
    order = store_cards(event["orderId"])
    return {
        "status": order.status,
        "cardCount": order.fulfilled_quantity,
        "emailWanted": order.email_wanted,
    }
