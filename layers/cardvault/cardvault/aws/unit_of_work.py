"""The unit of work: read afresh, decide, write everything together; again after a lost race.

    @retry_lost_races
    def change(order_id):
        order = find(order_id)  # read at each try
        ...  # decide in straight code; an error ends it
        work = UnitOfWork()
        work.update(order, {"status": "placed"}, unchanged_since_it_was_read)
        work.commit()  # everything or nothing
        return order

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
"""

from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from cardvault.aws import tables


class UnitOfWork:
    """Writes that take effect together or not at all, each under the condition it was decided on.

    At most 100 items, as DynamoDB has it.
    """

    def __init__(self) -> None:
        self._transaction = TransactWrite(connection=tables.connection())
        self._changed: list[tuple[Model, Mapping[str, Any]]] = []

    def save(self, item: Model, condition: Condition | None = None) -> None:
        """Write the item, in place of the one under its key."""
        self._transaction.save(item, condition=condition)

    def update(
        self, item: Model, changes: Mapping[str, Any], condition: Condition | None = None
    ) -> None:
        """Set attributes of the item by their Python names; None removes one."""
        self.act(item, actions_of(type(item), changes), condition)
        self._changed.append((item, changes))

    def act(self, item: Model, actions: list[Action], condition: Condition | None = None) -> None:
        """Change the item by PynamoDB's actions; the item in memory stays as it is."""
        self._transaction.update(item, actions, condition=condition)

    def delete(self, item: Model, condition: Condition | None = None) -> None:
        """Delete the item."""
        self._transaction.delete(item, condition=condition)

    def commit(self) -> None:
        """Write. The items that were updated then hold what was set.

        Raises LostRace when a condition failed or another transaction was in the way.
        """
        tables.commit(self._transaction)
        for item, changes in self._changed:
            for name, value in changes.items():
                setattr(item, name, value)


def actions_of(model: type[Model], changes: Mapping[str, Any]) -> list[Action]:
    """The changes as PynamoDB's actions: None removes an attribute, anything else sets it."""
    columns = {name: getattr(model, name) for name in changes}
    return [
        columns[name].remove() if value is None else columns[name].set(value)
        for name, value in changes.items()
    ]
