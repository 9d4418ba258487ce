"""A change of a gift card, as asked for over HTTP."""

from dataclasses import dataclass
from typing import Any

from cardvault.errors import (
    CannotOpen,
    Forbidden,
    IdempotencyKeyReused,
    InvalidRequest,
    TooManyWriters,
)
from cardvault.giftcards import store
from cardvault.giftcards.ledger.posting import Once
from cardvault.http import request
from cardvault.http.caller import Caller

# What any change of a gift card may be refused with, and any one under an Idempotency-Key.
CHANGE = (Forbidden, InvalidRequest, TooManyWriters)
MOVE = (*CHANGE, CannotOpen, IdempotencyKeyReused)


@dataclass(frozen=True, slots=True)
class Change:
    """Who wants what changed. `item_id` is the transaction or hold, where the path names one.

    Raises Forbidden for the token of a tenant's user: such a one may look, and move nothing.
    """

    caller: Caller
    program_id: str
    body: dict[str, Any]
    key: str | None = None
    card_id: str = ""
    item_id: str = ""

    def __post_init__(self) -> None:
        if store.is_user(self.caller):
            raise Forbidden("a user's token can not change gift cards")

    @classmethod
    def of(cls, event: request.Event) -> "Change":
        """From an HTTP API event. Raises Unauthenticated, Forbidden, Unprocessable."""
        names = event["pathParameters"]
        item = next((name for name in ("transactionId", "holdId") if name in names), None)
        return cls(
            Caller.of(event),
            request.path_id(event, "programId"),
            request.json_body(event) if event.get("body") else {},
            request.header(event, "idempotency-key"),
            request.path_id(event, "cardId") if "cardId" in names else "",
            request.path_id(event, item) if item else "",
        )

    def once(self, action: str, owner_id: str | None = None) -> Once:
        """Its Idempotency-Key, for that action on the card. Raises Unprocessable."""
        owner = owner_id or self.card_id or self.program_id
        return Once.of(self.key, self.caller.tenant_id, owner, action, self.body)
