"""IAM's decision about one request, by a role's statements.

Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

Context = Mapping[str, tuple[str, ...]]
_NEGATED = {"StringNotEquals", "StringNotLike"}


class Decision(StrEnum):
    ALLOWED = "Allowed"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    EXPLICITLY_DENIED = "ExplicitDeny"


@dataclass(frozen=True)
class Request:
    """One action on one resource; a context key that a request does not have is absent."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)

    def having(self, **context: Any) -> "Request":
        """The same with other values: `having(**{"dynamodb:Attributes": ("a",)})`."""
        return replace(self, context={**self.context, **context})


@dataclass(frozen=True)
class Condition:
    """`operator` without what stands around it: `ForAllValues:StringLikeIfExists` has three."""

    operator: str
    key: str
    values: tuple[str, ...]
    every: bool
    if_exists: bool

    def holds(self, context: Context) -> bool:
        found = context.get(self.key)
        if self.operator == "Null":
            return (found is None) == (self.values == ("true",))
        if found is None:
            # ForAllValues is true of a key that the request does not have.
            return self.every or self.if_exists or self.operator in _NEGATED
        if not self.every and len(found) > 1:
            raise ValueError(f"{self.key} has several values: say ForAllValues")
        return all(self.takes(value) for value in found)

    def takes(self, value: str) -> bool:
        """Whether one value of the request fits."""
        if self.operator in _NEGATED:
            return not any(_compared(self.operator, value, wanted) for wanted in self.values)
        return any(_compared(self.operator, value, wanted) for wanted in self.values)


def _compared(operator: str, value: str, wanted: str) -> bool:
    match operator:
        case "StringEquals" | "StringNotEquals":
            return value == wanted
        case "Bool":
            return value.lower() == wanted.lower()
        case "StringLike" | "StringNotLike":
            return matches(wanted, value)
        case "NumericGreaterThan":
            return float(value) > float(wanted)
    raise ValueError(f"the judge does not know {operator}")


@dataclass(frozen=True)
class Statement:
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    sid: str = ""

    @classmethod
    def parse(cls, statement: Mapping[str, Any]) -> "Statement":
        """From a policy whose intrinsics are resolved. Raises ValueError on what is unknown."""
        known = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
        if unknown := set(statement) - known:
            raise ValueError(f"the judge does not know {unknown}")
        conditions = tuple(
            _condition(operator, key, values)
            for operator, block in statement.get("Condition", {}).items()
            for key, values in block.items()
        )
        return cls(
            statement["Effect"],
            _list(statement["Action"]),
            _list(statement["Resource"]),
            conditions,
            statement.get("Sid", ""),
        )

    def covers(self, request: Request) -> bool:
        """Whether the statement speaks of this request."""
        return (
            any(matches(action.lower(), request.action.lower()) for action in self.actions)
            and any(matches(resource, request.resource) for resource in self.resources)
            and all(condition.holds(request.context) for condition in self.conditions)
        )


def decide(statements: Iterable[Statement], request: Request) -> Decision:
    """A Deny wins; without an Allow the request is denied."""
    effects = {statement.effect for statement in statements if statement.covers(request)}
    if "Deny" in effects:
        return Decision.EXPLICITLY_DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.IMPLICITLY_DENIED


def _condition(operator: str, key: str, values: Any) -> Condition:
    every = operator.startswith("ForAllValues:")
    bare = operator.removeprefix("ForAllValues:")
    if_exists = bare.endswith("IfExists")
    bare = bare.removesuffix("IfExists")
    if bare not in {*_NEGATED, "StringEquals", "StringLike", "Bool", "Null", "NumericGreaterThan"}:
        raise ValueError(f"the judge does not know {operator}")
    return Condition(bare, key, _list(values), every, if_exists)


def _list(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)


def matches(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` for any characters, `?` for one."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.compile("".join(parts), re.DOTALL)
