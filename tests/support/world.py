"""What an account on moto holds: kept, put back, and told without what differs from run to run."""

import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core.base_backend import BackendDict
from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.stepfunctions.models import stepfunctions_backends

from tests.support.account import PSEUDO, REGION

ACCOUNT_ID = str(PSEUDO["AWS::AccountId"])
# A day or a moment; an id, a token or a hash; a moment as a number.
_RANDOM = re.compile(
    r"\d{4}-\d\d-\d\d(T[0-9:.]+Z)?"
    r"|(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[\w-]{12,}={0,2}|\d{9,}"
)


@dataclass(frozen=True)
class Saved:
    """What the tables, buckets, secrets and state machines held."""

    tables: dict[str, Any]
    secrets: dict[str, Any]
    files: dict[str, Any]
    executions: dict[str, list[tuple[Any, dict[str, Any]]]]

    @classmethod
    def now(cls) -> "Saved":
        tables = {name: copy.deepcopy(table.items) for name, table in _tables().items()}
        secrets = copy.deepcopy(dict(_backend(secretsmanager_backends).secrets))
        files = {name: list(bucket.keys.lists()) for name, bucket in _buckets().items()}
        running = {
            machine.arn: [(one, dict(vars(one))) for one in machine.executions]
            for machine in _machines()
        }
        return cls(tables, secrets, files, running)

    def put_back(self) -> None:
        for name, table in _tables().items():
            table.items = copy.deepcopy(self.tables[name])
        secrets = _backend(secretsmanager_backends).secrets
        secrets.clear()
        secrets.update(copy.deepcopy(self.secrets))
        for name, bucket in _buckets().items():
            bucket.keys.clear()
            for key, versions in self.files[name]:
                bucket.keys.setlist(key, versions)
        for machine in _machines():
            machine.executions[:] = [one for one, _ in self.executions[machine.arn]]
            for one, was in self.executions[machine.arn]:
                vars(one).update(was)


def items() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every item of every table, as plain values."""
    for name, table in _tables().items():
        for item in table.all_items():
            yield name, {key: _plain(value) for key, value in item.attrs.items()}


def told(value: Any) -> str:
    """A value as text, in which nothing differs only by chance or by the time of the run."""
    return _RANDOM.sub("*", str(value))


def files() -> Counter[str]:
    """The objects in all buckets, by the names that are left without what is random."""
    return Counter(told(key) for bucket in _buckets().values() for key in bucket.keys)


def executions() -> Counter[str]:
    """The executions, by how they stand."""
    return Counter(run.status for machine in _machines() for run in machine.executions)


def _plain(value: Any) -> Any:
    if isinstance(value.value, dict):
        return {key: _plain(inner) for key, inner in value.value.items()}
    if isinstance(value.value, list):
        return [_plain(inner) if hasattr(inner, "value") else inner for inner in value.value]
    return "bytes" if value.type == "B" else value.value


def _tables() -> dict[str, Any]:
    return dict(_backend(dynamodb_backends).tables)


def _buckets() -> dict[str, Any]:
    return dict(s3_backends[ACCOUNT_ID]["aws"].buckets)


def _machines() -> list[Any]:
    return list(_backend(stepfunctions_backends).state_machines)


def _backend(backends: BackendDict[Any]) -> Any:
    return backends[ACCOUNT_ID][REGION]
