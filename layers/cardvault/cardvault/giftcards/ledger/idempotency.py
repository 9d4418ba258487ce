"""Gift cards' idempotency records. Their policy, beside that of orders: `http/idempotency.py`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pynamodb.exceptions import DoesNotExist

from cardvault.core import decimal_json
from cardvault.errors import IdempotencyKeyReused
from cardvault.giftcards.ledger.records import IdempotencyRecord
from cardvault.giftcards.security.vault import NumberVault
from cardvault.http.fields import idempotency_key
from cardvault.http.idempotency import record_key

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request under an Idempotency-Key: whose, of which card (or program), for which action."""

    vault: NumberVault = field(repr=False)
    tenant_id: str
    owner_id: str
    action: str
    key: str | None
    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Raises InvalidRequest when there is no key, or none of 1 to 128 visible characters."""
        idempotency_key(self.key)

    @property
    def sort_key(self) -> str:
        """Where its record lies: the same key of another tenant or action is another key (I6)."""
        return record_key(self.tenant_id, self.action, self.key or "")

    @property
    def place(self) -> str:
        """What its answer is sealed for."""
        return place_of(self.owner_id, self.sort_key)

    @property
    def content(self) -> str:
        """What tells a repeat from another request.

        Without the security code: a repeat need not prove it again, and nothing is kept of it.
        """
        compared = {name: value for name, value in self.body.items() if name != "securityCode"}
        return json.dumps(compared, sort_keys=True, default=str)

    def record(self, answer: Answer) -> IdempotencyRecord:
        """The record of the request with its answer."""
        return IdempotencyRecord(
            self.owner_id,
            self.sort_key,
            request_mac=self.vault.fingerprint(self.content),
            sealed_answer=self.vault.seal(decimal_json.dumps(answer), self.place),
        )

    def first_answer(self) -> Answer | None:
        """The answer recorded for the key, if there is one. Raises IdempotencyKeyReused."""
        try:
            record = IdempotencyRecord.get(self.owner_id, self.sort_key, consistent_read=True)
        except DoesNotExist:
            return None
        if not self.vault.is_fingerprint(record.request_mac, self.content):
            raise IdempotencyKeyReused
        answer: Answer = decimal_json.loads(self.vault.open(record.sealed_answer, self.place))
        return answer


def place_of(owner_id: str, sort_key: str) -> str:
    """What the answer of an idempotency record is sealed for."""
    return f"{owner_id} {sort_key}"
