"""Roles against what was recorded: nothing is missing, and nothing is allowed that nobody used."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from local.emulator.dynamodb_access import WHOLE_ITEM
from tests.support.iam import Decision, Request, Statement, decide, matches
from tests.support.recorder import Call

ATTRIBUTES, LEADING_KEYS = "dynamodb:Attributes", "dynamodb:LeadingKeys"
PURPOSE = "kms:EncryptionContext:purpose"
_WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem"}
_REPLACES = {*_WRITES, "dynamodb:DeleteItem"}


@dataclass(frozen=True)
class Role:
    """A function's statements, those of bucket policies beside its own, and what it called."""

    function: str
    own: Sequence[Statement]
    all: Sequence[Statement]
    calls: Sequence[Call]

    @property
    def requests(self) -> list[Request]:
        return [request for call in self.calls for request in call.requests]

    def allows(self, request: Request) -> bool:
        return decide(self.all, request) is Decision.ALLOWED


def kind(key: str) -> str:
    """What an item is, as its partition key tells: `SUPPLIER#`, or an id."""
    prefix, mark, _ = key.partition("#")
    return prefix + mark if mark else "an id"


@dataclass
class Universe:
    """What all roles together write, by table and kind of item: attributes, and a key to try with.

    What one of them does not need of that, its role should not allow.
    """

    attributes: dict[str, dict[str, set[str]]] = field(default_factory=lambda: _nested(set))
    keys: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    key_names: Mapping[str, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, roles: Iterable[Role], key_names: Mapping[str, set[str]]) -> "Universe":
        """`key_names`: of each table's primary key, by its ARN."""
        universe = cls(key_names=key_names)
        for request in (one for role in roles for one in role.requests):
            if request.action in _REPLACES:
                for key in request.context[LEADING_KEYS]:
                    named = set(request.context[ATTRIBUTES]) - {WHOLE_ITEM}
                    universe.attributes[request.resource][kind(key)] |= named
                    universe.keys[request.resource].setdefault(kind(key), key)
        return universe

    def all_attributes(self, table: str) -> set[str]:
        return set().union(*self.attributes[table].values())


def _nested(inner: Callable[[], Any]) -> Any:
    return defaultdict(lambda: defaultdict(inner))


# --- nothing is missing ---------------------------------------------------------------------------


def missing(role: Role) -> Iterator[str]:
    """What the function asked for and its role does not allow."""
    for request in role.requests:
        if not role.allows(request):
            yield f"{role.function} needs {_told(request)}"


def missing_if_pooled(role: Role) -> Iterator[str]:
    """As `missing`, should AWS judge a transaction's items of one action and table together."""
    for call in role.calls:
        for request in pooled(call.requests):
            if not role.allows(request):
                yield f"{role.function} needs, in one transaction, {_told(request)}"


def pooled(requests: Iterable[Request]) -> Iterator[Request]:
    """One request for each action and resource, with the values of all of them."""
    by_what = sorted(requests, key=lambda request: (request.action, request.resource))
    for _, same in groupby(by_what, key=lambda request: (request.action, request.resource)):
        first, *others = same
        context = {name: set(values) for name, values in first.context.items()}
        for other in others:
            for name, values in other.context.items():
                context.setdefault(name, set()).update(values)
        yield first.having(**{name: tuple(sorted(values)) for name, values in context.items()})


# --- nothing is allowed that nobody used ----------------------------------------------------------


def unused(role: Role) -> Iterator[str]:
    """What statements name and no call used: an action on a resource, or a condition's value."""
    for statement in role.own:
        for action in statement.actions:
            for resource in statement.resources:
                seen = [
                    request
                    for request in role.requests
                    if request.action.lower() == action.lower()
                    and matches(resource, request.resource)
                    and statement.covers(request)
                ]
                told = f"{role.function} never used {action} on {_short(resource)}"
                if not seen:
                    yield told
                else:
                    yield from (f"{told} with {value}" for value in _idle(statement, seen))


def _idle(statement: Statement, seen: Sequence[Request]) -> Iterator[str]:
    for condition in statement.conditions:
        if condition.operator.startswith("StringNot"):
            continue  # names what is refused
        for value in condition.values:
            alone = replace(condition, values=(value,))
            given = (one for request in seen for one in request.context.get(condition.key, ()))
            if not any(alone.takes(one) for one in given):
                yield f"{condition.key} {value}"


def left_open(role: Role, universe: Universe) -> Iterator[str]:
    """What the statements would allow beyond what was seen, tried one change at a time."""
    yield from _wildcards(role)
    seen = defaultdict(list)
    for request in role.requests:
        seen[request.action, request.resource].append(request)
    for (action, resource), requests in seen.items():
        told = f"{role.function} may use {action} on {_short(resource)}"
        if action in _WRITES:
            for name in sorted(_open_attributes(role, requests, universe.all_attributes(resource))):
                yield f"{told} with {ATTRIBUTES} {name}"
        if action in _REPLACES:
            for name in sorted(_open_kinds(role, requests, universe)):
                yield f"{told} with {LEADING_KEYS} {name}"
        with_purpose = [request for request in requests if PURPOSE in request.context]
        if any(role.allows(one.having(**{PURPOSE: ("another",)})) for one in with_purpose):
            yield f"{told} for another purpose"


def _wildcards(role: Role) -> Iterator[str]:
    for statement in role.own:
        for resource in statement.resources:
            if "*" in resource:
                actions = ", ".join(statement.actions)
                yield f"{role.function} may use {actions} on {_short(resource)}"


def _open_attributes(role: Role, requests: Sequence[Request], known: set[str]) -> set[str]:
    used = {name for request in requests for name in request.context[ATTRIBUTES]}
    return {
        name
        for name in known - used
        for request in requests
        if role.allows(request.having(**{ATTRIBUTES: (*request.context[ATTRIBUTES], name)}))
    }


def _open_kinds(role: Role, requests: Sequence[Request], universe: Universe) -> set[str]:
    used = {kind(key) for request in requests for key in request.context[LEADING_KEYS]}
    table = requests[0].resource
    return {
        name
        for name, key in universe.keys[table].items()
        for request in requests
        if name not in used
        and _harms(request, universe.attributes[table][name] - universe.key_names[table])
        and role.allows(request.having(**{LEADING_KEYS: (key,)}))
    }


def _harms(request: Request, attributes: set[str]) -> bool:
    """Whether the request could change an item that has these attributes beside its key.

    Putting and deleting replace the whole item; an update changes what it names.
    """
    updates = request.action == "dynamodb:UpdateItem"
    return not updates or bool(attributes & set(request.context[ATTRIBUTES]))


def _told(request: Request) -> str:
    context = ", ".join(f"{name} {' '.join(values)}" for name, values in request.context.items())
    return f"{request.action} on {_short(request.resource)} with {context or 'nothing'}"


def _short(resource: str) -> str:
    return resource.split(":", 5)[-1]
