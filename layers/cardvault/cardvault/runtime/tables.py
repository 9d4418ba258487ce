"""DynamoDB through PynamoDB: every model on one connection, and races told from failures.

A record that several callers may change at once is read, judged and written under a condition;
whoever loses reads again. `retry_races` is that loop.
"""

import random
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

from pynamodb.connection import Connection
from pynamodb.exceptions import TableError, TransactGetError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from cardvault.errors import TooManyWriters
from cardvault.runtime.aws import ATTEMPTS, CONNECT_TIMEOUT_S, READ_TIMEOUT_S

T = TypeVar("T")

# The system's randomness has no state that SnapStart clones could share (I12).
_jitter = random.SystemRandom()

RACE_TRIES = 12
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5
_RACES = {"ConditionalCheckFailedException", "TransactionConflictException"}


class LostRace(Exception):
    """A condition of the transaction no longer held, or another transaction was in the way."""


@cache
def connection() -> Connection:
    """The one connection: PynamoDB's own would be one per model and one per transaction."""
    return Connection(
        connect_timeout_seconds=CONNECT_TIMEOUT_S,
        read_timeout_seconds=READ_TIMEOUT_S,
        max_retry_attempts=ATTEMPTS - 1,
    )


def bind(model: type[Model], table_name: str) -> None:
    """Put a model on a table, over the connection that all models share."""
    model.Meta.table_name = table_name
    table = model._get_connection()  # noqa: SLF001 - PynamoDB offers no public way to share one
    shared = connection()
    try:
        shared.get_meta_table(table_name)
    except TableError:
        shared.add_meta_table(table.get_meta_table())
    table.connection = shared


def fetch(ask: Callable[[TransactGet], T]) -> T:
    """Read items of any bound models in one round trip.

    `ask` names them and returns their futures, which hold the items afterwards. A write that is
    under way on one of them makes DynamoDB refuse the read; it is then asked again.
    Raises TooManyWriters.
    """

    def attempt() -> T:
        transaction = TransactGet(connection=connection())
        wanted = ask(transaction)
        try:
            with transaction:
                pass
        except TransactGetError as error:
            reasons = {reason.code for reason in error.cancellation_reasons if reason}
            if reasons == {"TransactionConflict"}:
                raise LostRace from None
            raise
        return wanted

    return retry_races(attempt)


def commit(transaction: TransactWrite) -> None:
    """Write everything added to the transaction, or nothing.

    Raises LostRace when a condition failed or another writer was there; any other failure as is.
    """
    try:
        with transaction:
            pass
    except TransactWriteError as error:
        reasons = {reason.code for reason in error.cancellation_reasons if reason}
        if reasons and reasons <= {"ConditionalCheckFailed", "TransactionConflict"}:
            raise LostRace from None
        raise


def writing() -> TransactWrite:
    """A transaction to add puts, updates, deletes and checks to; `commit` carries it out."""
    return TransactWrite(connection=connection())


def update(item: Model, actions: Sequence[Action], condition: Condition) -> None:
    """As `update_item`, under a condition.

    Raises LostRace when that failed or a transaction was in the way.
    """
    try:
        update_item(item, actions, condition)
    except UpdateError as error:
        if error.cause_response_code in _RACES:
            raise LostRace from None
        raise


def update_item(item: Model, actions: Sequence[Action], condition: Condition | None = None) -> None:
    """Change one item, which then holds what was set; what was removed, it keeps.

    Only what changed comes back. PynamoDB's own update asks for the whole item, which a role that
    names the attributes it may change can not have. Raises UpdateError.
    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    answer = item._get_connection().update_item(  # noqa: SLF001 - PynamoDB has no public way
        *item._get_hash_range_key_serialized_values(),  # noqa: SLF001
        actions=actions,
        condition=condition,
        return_values="UPDATED_NEW",
    )
    changed = answer.get("Attributes", {})
    for name, attribute in item.get_attributes().items():
        if attribute.attr_name in changed:
            stored = attribute.get_value(changed[attribute.attr_name])
            setattr(item, name, attribute.deserialize(stored))


def retry_races(attempt: Callable[[], T]) -> T:
    """Run `attempt`, which reads, decides and commits, until it does not lose a race.

    Pauses with full jitter in between. Raises TooManyWriters after RACE_TRIES tries.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    for number in range(RACE_TRIES):
        try:
            return attempt()
        except LostRace:
            ceiling = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**number)
            time.sleep(_jitter.uniform(0, ceiling))
    raise TooManyWriters
