"""Invoked under IAM: wrap data keys anew after a rotation of the card key."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from cardvault.errors import InvalidRequest
from cardvault.runtime import aws
from cardvault.runtime.clock import from_text
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import operator_action
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.rewrap import RewrapDataKeys
from cardvault.sealing.store import bind_data_keys

# A minute less than the function has.
TIME_BUDGET = timedelta(minutes=14)

settings = Settings()
bind_data_keys(settings)
rewrap = RewrapDataKeys(Keyring(aws.kms(), settings.card_key_arn), TIME_BUDGET)


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Take `{"wrappedBefore": time}`; answer how many were re-wrapped and how many are left."""
    try:
        wrapped_before = from_text(str(event.get("wrappedBefore")))
    except ValueError:
        raise InvalidRequest("wrappedBefore must be an RFC 3339 time") from None
    return asdict(rewrap(wrapped_before))
