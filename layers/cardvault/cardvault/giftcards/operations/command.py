"""A command: a change of a gift card, as asked for over HTTP, once however often it is repeated."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from cardvault.aws.retries import LostRace, retry_lost_races
from cardvault.errors import (
    CannotOpen,
    CardRefused,
    CardvaultError,
    Forbidden,
    GiftCardNotFound,
    IdempotencyKeyReused,
    LimitExceeded,
    ProgramNotFound,
    TooManyWriters,
)
from cardvault.giftcards import programs, store
from cardvault.giftcards.fields import Metadata, metadata
from cardvault.giftcards.ledger import money
from cardvault.giftcards.ledger.idempotency import Answer, IdempotentRequest
from cardvault.giftcards.ledger.posting import Ledger, LedgerWork
from cardvault.giftcards.ledger.records import CardRecord
from cardvault.giftcards.programs import ProgramRecord
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS, optional_json_body
from cardvault.http.caller import Caller

# What any command may be refused with; any one under an Idempotency-Key; one of these that needs a
# card in some state; and one that is also held to the program's limits.
COMMAND = (*BODY_ERRORS, Forbidden, TooManyWriters)
IDEMPOTENT = (*COMMAND, CannotOpen, IdempotencyKeyReused)
OF_A_CARD = (*IDEMPOTENT, CardRefused, GiftCardNotFound)
WITHIN_LIMITS = (*OF_A_CARD, LimitExceeded, ProgramNotFound)


@dataclass(frozen=True, slots=True)
class Command:
    """Who wants what changed. `item_id` is the transaction or hold, where the path names one.

    Raises Forbidden for the token of a tenant's user, who may look and move nothing.
    """

    caller: Caller
    program_id: str
    body: dict[str, Any]
    key: str | None = None
    card_id: str = ""
    item_id: str = ""

    def __post_init__(self) -> None:
        if store.is_user(self.caller):
            raise Forbidden("a user's token cannot change gift cards")

    @classmethod
    def of(cls, event: request.Event) -> "Command":
        """From an HTTP API event.

        Raises Unauthenticated, Forbidden, BodyTooLarge, InvalidRequest.
        """
        names = event["pathParameters"]
        item = next((name for name in ("transactionId", "holdId") if name in names), None)
        return cls(
            Caller.of(event),
            request.path_id(event, "programId"),
            optional_json_body(event),
            request.header(event, "idempotency-key"),
            request.path_id(event, "cardId") if "cardId" in names else "",
            request.path_id(event, item) if item else "",
        )

    def card(self) -> CardRecord:
        """The card it names, read afresh. Raises GiftCardNotFound."""
        return store.get_visible(self.program_id, self.card_id, self.caller)

    def card_numbered(self, indexes: Sequence[str]) -> CardRecord:
        """As `card`, by the card number's indexes. Raises GiftCardNotFound."""
        return store.get_visible_by_number(self.program_id, indexes, self.caller)

    def program(self) -> ProgramRecord:
        """The program it names. Raises ProgramNotFound."""
        return programs.get_owned(self.program_id, self.caller)


@dataclass(frozen=True, slots=True)
class AmountToMove:
    """An amount in minor units, and the metadata of its entry."""

    amount: int
    metadata: Metadata

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "AmountToMove":
        """From a checked body. Raises InvalidRequest."""
        return cls(money.minor_units("amount", given["amount"]), metadata(given))


@dataclass(frozen=True, slots=True)
class PartToMove:
    """As `AmountToMove`, of what is there; without an amount, all of that."""

    amount: int | None
    metadata: Metadata

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "PartToMove":
        """From a checked body. Raises InvalidRequest."""
        part = money.minor_units("amount", given["amount"]) if "amount" in given else None
        return cls(part, metadata(given))


class Operations(Protocol):
    """What has idempotent methods."""

    @property
    def ledger(self) -> Ledger:
        """Where their units of work begin."""


S = TypeVar("S", bound=Operations)
P = ParamSpec("P")


def idempotent(
    action: str,
) -> Callable[
    [Callable[Concatenate[S, Command, LedgerWork, P], Answer]],
    Callable[Concatenate[S, Command, P], Answer],
]:
    """Make a method that reads, decides and commits one that moves money once per Idempotency-Key.

        @idempotent("capture {item_id}")
        def capture(self, command, work):
            ...
            return work.commit_answer(answer)

    The method gets a new unit of work, which writes the idempotency record along, and runs again
    after a lost race. When it lost or raised, the record is looked for: a repeat meets the card as
    the first request left it (spent, voided), so it costs nothing to look only then. A repeat is
    answered as the first request was.

    `action` is a part of the record's stored key; it may name `item_id` and keyword arguments.
    Raises InvalidRequest without a key, IdempotencyKeyReused, TooManyWriters, and what the method
    raises.
    """

    def decorate(
        method: Callable[Concatenate[S, Command, LedgerWork, P], Answer],
    ) -> Callable[Concatenate[S, Command, P], Answer]:
        @functools.wraps(method)
        @retry_lost_races
        def once(operations: S, command: Command, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
            repeatable = IdempotentRequest(
                operations.ledger.vault,
                command.caller.tenant_id,
                command.card_id or command.program_id,
                action.format(item_id=command.item_id, **kwargs),
                command.key,
                command.body,
            )
            work = operations.ledger.begin(command.caller.client_id, repeatable)
            try:
                return method(operations, command, work, *args, **kwargs)
            except (LostRace, CardvaultError):
                first = repeatable.first_answer()
                if first is None:
                    raise
                if command.card_id:
                    command.card()  # under another program it is another request
                return first

        return once

    return decorate
