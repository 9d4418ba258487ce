"""DynamoDB through PynamoDB: each model is given its table, and all share one connection.

Every request waits for room in its partition, and a failed condition is a LostRace.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from pynamodb.connection import Connection, TableConnection
from pynamodb.exceptions import (
    AttributeDeserializationError,
    DeleteError,
    DoesNotExist,
    PutError,
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

from cardvault.aws import boto_clients
from cardvault.aws.retries import THROTTLED_TRIES, LostRace, retry_lost_races, retry_throttled
from cardvault.aws.service_errors import code_of, reasons_of
from cardvault.aws.settings import MissingSetting, Settings
from cardvault.errors import InternalError

T = TypeVar("T")
M = TypeVar("M", bound=Model)

_RACES = {"ConditionalCheckFailedException", "TransactionConflictException"}


@cache
def connection() -> Connection:
    """The one connection: PynamoDB's own would be one per model and one per transaction.

    It has our client, made at init: PynamoDB would make one, and a second botocore session, while
    the first request waits.
    """
    shared, client = Connection(), cast("Any", boto_clients.dynamodb())
    shared._client = client  # noqa: SLF001 - PynamoDB has no public way
    return shared


class UnboundModel(InternalError):
    """A model is used and no table was given to it; the message names the model."""


class Record(Model):
    """A model whose `Meta.setting` is the attribute of Settings that holds its table's name."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        if not hasattr(cls.Meta, "table_name"):
            raise UnboundModel(f"{cls.__name__} has no table: add it to tables.use(settings, ...)")
        return super()._get_connection()

    def fields(self) -> dict[str, Any]:
        """Every attribute that is set, under its stored name."""
        named = {item.attr_name: name for name, item in self.get_attributes().items()}
        values = {stored: getattr(self, name) for stored, name in named.items()}
        return {stored: value for stored, value in values.items() if value is not None}


def use(settings: Settings, *models: type[Record]) -> None:
    """Put models on the tables that the settings name, over the connection they all share.

    A function says at init which models it works with. Raises MissingSetting, which names the
    variable and the model.
    """
    for model in models:
        try:
            table_name: str = getattr(settings, model.Meta.setting)  # type: ignore[attr-defined]
        except MissingSetting as missing:
            raise MissingSetting(f"{missing}: it names the table of {model.__name__}") from None
        model.Meta.table_name = table_name
        table = model._get_connection()  # noqa: SLF001 - PynamoDB has no public way to share one
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


@retry_lost_races
def fetch(ask: Callable[[TransactGet], T]) -> T:
    """Read items of any models in one round trip.

    `ask` names them and returns their futures, which hold the items afterwards. A write that is
    under way on one of them makes DynamoDB refuse the read; it is then asked again.
    Raises TooManyWriters.
    """
    transaction = TransactGet(connection=connection())
    wanted = ask(transaction)
    try:
        retry_throttled(lambda: _carry_out(transaction))
    except TransactGetError as error:
        if reasons_of(error) == {"TransactionConflict"}:
            raise LostRace from None
        raise
    return wanted


def read_all(found: ResultIterator[M], skipped: Callable[[], None] | None = None) -> Iterator[M]:
    """The items of a query, whose requests DynamoDB answers 1 MB at a time.

    An item with an attribute of another type than the model's ends it with
    AttributeDeserializationError; if `skipped` is given, that is called and the item left out.
    """
    while True:
        try:
            item = retry_throttled(lambda: next(found, None))
        except AttributeDeserializationError:
            if skipped is None:
                raise
            skipped()
            continue
        if item is None:
            return
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


def update(item: Model, actions: Sequence[Action], condition: Condition) -> None:
    """As `update_item`, under a condition.

    Raises LostRace when that failed or a transaction was in the way.
    """
    _or_lose(lambda: update_item(item, actions, condition))


def update_item(item: Model, actions: Sequence[Action], condition: Condition | None = None) -> None:
    """Change one item. In memory it then holds what was set, and keeps what was removed.

    Only what changed comes back. PynamoDB's own update asks for the whole item, which a role that
    names the attributes it may change cannot have. Raises UpdateError.
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
        if code_of(error) in _RACES:
            raise LostRace from None
        raise


def _carry_out(transaction: TransactGet | TransactWrite) -> None:
    with transaction:
        pass
