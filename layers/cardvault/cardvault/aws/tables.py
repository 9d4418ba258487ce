"""DynamoDB through PynamoDB: every model on one connection, and races told from failures.

A record that several callers may change at once is read, judged and written under a condition;
whoever loses reads again. `retry_races` is that loop.

A partition takes 1,000 write units and 3,000 read units a second. What it refuses for that reason
is asked again as it is, by `retry_throttled`: nothing was done and nobody else was there.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
"""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from time import sleep
from typing import TypeVar

from pynamodb.connection import Connection
from pynamodb.exceptions import (
    DeleteError,
    DoesNotExist,
    PutError,
    PynamoDBException,
    TableError,
    TransactGetError,
    TransactWriteError,
    UpdateError,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator
from pynamodb.transactions import TransactGet, TransactWrite

from cardvault.aws.boto_clients import ATTEMPTS, CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from cardvault.aws.service_errors import is_throttled, reasons_of
from cardvault.errors import TooManyWriters

T = TypeVar("T")
M = TypeVar("M", bound=Model)

# The system's randomness has no state that SnapStart clones could share (I12).
_jitter = random.SystemRandom()

RACE_TRIES = 12
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5
_RACES = {"ConditionalCheckFailedException", "TransactionConflictException"}

# Under six seconds at most, so that who waits for an answer gets one.
THROTTLED_TRIES = 10
FIRST_THROTTLED_PAUSE_S = 0.05
LONGEST_THROTTLED_PAUSE_S = 1.0


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


def find(model: type[M], hash_key: str, range_key: str | int | None = None) -> M | None:
    """The item under that key, read consistently, if there is one."""
    try:
        return retry_throttled(lambda: model.get(hash_key, range_key, consistent_read=True))
    except DoesNotExist:
        return None


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
            retry_throttled(lambda: _carry_out(transaction))
        except TransactGetError as error:
            if reasons_of(error) == {"TransactionConflict"}:
                raise LostRace from None
            raise
        return wanted

    return retry_races(attempt)


def read_all(found: ResultIterator[M]) -> Iterator[M]:
    """The items of a query, whose requests DynamoDB answers 1 MB at a time."""
    while (item := retry_throttled(lambda: next(found, None))) is not None:
        yield item


def commit(transaction: TransactWrite) -> None:
    """Write everything added to the transaction, or nothing.

    Raises LostRace when a condition failed or another writer was there; any other failure as is.
    """
    try:
        retry_throttled(lambda: _carry_out(transaction))
    except TransactWriteError as error:
        reasons = reasons_of(error)
        if "ConditionalCheckFailed" in reasons or reasons == {"TransactionConflict"}:
            raise LostRace from None
        raise


def writing() -> TransactWrite:
    """A transaction to add puts, updates, deletes and checks to; `commit` carries it out."""
    return TransactWrite(connection=connection())


def update(item: Model, actions: Sequence[Action], condition: Condition) -> None:
    """As `update_item`, under a condition.

    Raises LostRace when that failed or a transaction was in the way.
    """
    _or_lose(lambda: update_item(item, actions, condition))


def update_item(item: Model, actions: Sequence[Action], condition: Condition | None = None) -> None:
    """Change one item, which then holds what was set; what was removed, it keeps.

    Only what changed comes back. PynamoDB's own update asks for the whole item, which a role that
    names the attributes it may change can not have. Raises UpdateError.
    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
    """
    answer = retry_throttled(
        lambda: item._get_connection().update_item(  # noqa: SLF001 - PynamoDB has no public way
            *item._get_hash_range_key_serialized_values(),  # noqa: SLF001
            actions=actions,
            condition=condition,
            return_values="UPDATED_NEW",
        )
    )
    changed = answer.get("Attributes", {})
    for name, attribute in item.get_attributes().items():
        if attribute.attr_name in changed:
            stored = attribute.get_value(changed[attribute.attr_name])
            setattr(item, name, attribute.deserialize(stored))


def put(item: Model, condition: Condition, *, tries: int = THROTTLED_TRIES) -> None:
    """Write one item. Raises LostRace when the condition failed."""
    _or_lose(lambda: retry_throttled(lambda: item.save(condition=condition), tries=tries))


def delete(item: Model, condition: Condition | None, *, tries: int = THROTTLED_TRIES) -> None:
    """Delete one item, also when it is gone. Raises LostRace when the condition failed."""
    _or_lose(lambda: retry_throttled(lambda: item.delete(condition=condition), tries=tries))


def _or_lose(write: Callable[[], object]) -> None:
    try:
        write()
    except (PutError, UpdateError, DeleteError) as error:
        if error.cause_response_code in _RACES:
            raise LostRace from None
        raise


def retry_races(attempt: Callable[[], T]) -> T:
    """Run `attempt`, which reads, decides and commits, until it does not lose a race.

    Pauses with full jitter in between. Raises TooManyWriters after RACE_TRIES tries.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    for number in range(RACE_TRIES):
        try:
            return attempt()
        except LostRace:
            _pause(number, FIRST_PAUSE_S, LONGEST_PAUSE_S)
    raise TooManyWriters


def retry_throttled(request: Callable[[], T], *, tries: int = THROTTLED_TRIES) -> T:
    """Make a request until its partition has room for it.

    Pauses with full jitter in between. The last refusal is raised as it is, and so is every
    other failure: a transaction with a failed condition among its reasons will not get better.
    """
    for number in range(tries - 1):
        try:
            return request()
        except PynamoDBException as error:
            if not is_throttled(error):
                raise
            _pause(number, FIRST_THROTTLED_PAUSE_S, LONGEST_THROTTLED_PAUSE_S)
    return request()


def _carry_out(transaction: TransactGet | TransactWrite) -> None:
    with transaction:
        pass


def _pause(number: int, first_s: float, longest_s: float) -> None:
    sleep(_jitter.uniform(0, min(longest_s, first_s * 2**number)))
