"""Invoked under IAM: wrap data keys anew after a rotation of the card key."""

from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import operator_action
from cardvault.core.clock import from_text
from cardvault.http.fields import CURSOR, MOMENT
from cardvault.http.schemas import body, checker
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.rewrap import RewrapDataKeys
from cardvault.sealing.store import DataKeyRecord

settings = Settings()
tables.use(settings, DataKeyRecord)
rewrap = RewrapDataKeys(Keyring(boto_clients.kms(), settings.card_key_arn))

check_request = checker(body({"wrappedBefore": MOMENT}, {"cursor": CURSOR}))


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Take `{"wrappedBefore": time, "cursor"?}`; answer how many were re-wrapped.

    Answers nextCursor too if there are more keys to look at.
    """
    wanted = check_request(event)
    progress = rewrap(from_text(wanted["wrappedBefore"]), wanted.get("cursor"))
    answer: dict[str, Any] = {"rewrapped": progress.rewrapped}
    return {**answer, "nextCursor": progress.cursor} if progress.cursor else answer
