"""I11: what a role allows is exactly what its function was seen to ask for.

Every function is driven through its main and its rare ways on moto, with the resources and in the
environment of template.yaml; every AWS call is judged by IAM's rules against the function's role
as SAM expands it. A new function, table or statement is found in the template by itself: what no
scenario of this folder uses shows here.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from cardvault.audit.chain import ChainHead
from cardvault.audit.trail import AuditRecord
from tests.roles.scenarios import SCENARIOS
from tests.roles.verdicts import (
    ATTRIBUTES,
    LEADING_KEYS,
    Role,
    Universe,
    left_open,
    missing,
    missing_if_pooled,
    unused,
)
from tests.support.account import Account, role_statements
from tests.support.expanded import expanded
from tests.support.iam import Condition, Request, Statement
from tests.support.recorder import Call
from tests.support.stage import Stage, staged

AUDIT_ATTRIBUTES = {
    attribute.attr_name
    for model in (AuditRecord, ChainHead)
    for attribute in model.get_attributes().values()
}
# What a role allows beyond what was seen, and why it must. One that is not needed any more fails.
ON_PURPOSE = {
    "on downloadsbucket/downloads/*": "a file's name is random",
    "on identity/*": "SES may know the sender by the address or its domain, and a policy has to "
    "name what it is known by; ses:FromAddress names the sender",
    "on table/AuditTrailTable/stream/*": "a stream is called after the moment it was made",
    "on table/GiftCardsTable/stream/*": "so is this one",
    **{
        f"dynamodb:PutItem on table/AuditTrailTable with {ATTRIBUTES} {name}": "one statement for "
        "all who put events; one of another form is found and never chained"
        for name in AUDIT_ATTRIBUTES - {"subjectId", "seq", "event", "timestamp", "tenantId"}
    },
}
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLInsert")
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
LARGEST_POLICIES = 10_240


@pytest.fixture(scope="module")
def played() -> Stage:
    """Every scenario, played; what was recorded stays when the account is gone."""
    with staged() as stage:
        for scenario in SCENARIOS.values():
            scenario(stage)
            assert stage.recorder.before == [], "whatever was to happen did"
    return stage


@pytest.fixture(scope="module")
def roles(played) -> dict[str, Role]:
    """Every function's role, with all that it was seen to call."""
    account, calls = played.account, played.recorder.calls
    return {
        name: Role(
            name,
            account.role(name),
            account.statements(name),
            [*calls[name], *lambdas_own(account, name)],
        )
        for name in account.functions.values()
    }


def lambdas_own(account: Account, function: str) -> Iterator[Call]:
    """What Lambda asks for under the function's role.

    Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    """
    for queue in account.destinations(function):
        yield Call("SendMessage", (Request("sqs:SendMessage", queue),))
    for stream in account.streams(function):
        for action in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"):
            yield Call(action, (Request(f"dynamodb:{action}", stream),))


@pytest.fixture(scope="module")
def universe(played, roles) -> Universe:
    return Universe.of(roles.values(), played.account.key_names)


def told(verdict: Callable[[Role], Iterator[str]], roles: dict[str, Role]) -> list[str]:
    return sorted({finding for role in roles.values() for finding in verdict(role)})


def test_i11_every_call_is_allowed_by_its_functions_role(roles):
    assert told(missing, roles) == []


def test_i11_every_call_is_allowed_should_aws_judge_like_items_of_a_transaction_together(roles):
    assert told(missing_if_pooled, roles) == []


def test_i11_nothing_is_allowed_by_name_that_no_call_used(roles):
    assert told(unused, roles) == []


def test_i11_nothing_is_left_open_that_no_call_used(roles, universe):
    found = told(lambda role: left_open(role, universe), roles)
    assert [one for one in found if not one.endswith(tuple(ON_PURPOSE))] == []
    idle = [named for named in ON_PURPOSE if not any(one.endswith(named) for one in found)]
    assert idle == [], "no exception without need"


def test_i7_one_role_writes_chains_and_all_others_put_events_that_wait(played, roles):
    table = played.account.table_arn("AuditTrailTable")

    def may(role: Role, key: str) -> set[str]:
        context = {LEADING_KEYS: (key,)}
        asked = (Request(f"dynamodb:{action}", table, context) for action in WRITES)
        return {request.action.partition(":")[2] for request in asked if role.allows(request)}

    writers = {name for name, role in roles.items() if may(role, "EVENT#" + "0" * 24)}
    for key in ("0" * 24, "OVERWRITTEN#1", "event#", "EVENT"):
        chaining = {name: may(role, key) for name, role in roles.items() if may(role, key)}
        assert chaining == {"ChainAuditEventsFunction": {"PutItem"}}
    anchoring = {name: may(role, "LEDGER#0") for name, role in roles.items()}
    assert {name for name in anchoring if anchoring[name]} == {"AnchorLedgerFunction"}
    assert anchoring["AnchorLedgerFunction"] == {"PutItem"}
    assert len(writers) > 20
    assert {name: may(roles[name], "EVENT#0") for name in writers} == {
        name: {"DeleteItem"} if name == "ChainAuditEventsFunction" else {"PutItem"}
        for name in writers
    }


def test_no_write_has_attributes_returned_that_it_does_not_change(roles):
    """Under named attributes AWS may refuse it: "the attributes that are returned" count too."""
    returned = {
        value
        for role in roles.values()
        for request in role.requests
        for value in request.context.get("dynamodb:ReturnValues", ())
    }
    assert returned == {"NONE", "UPDATED_NEW"}


def test_a_roles_policies_fit_into_what_iam_takes():
    document = expanded()
    for name, resource in document["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            text = json.dumps(role_statements(document, name), separators=(",", ":"))
            assert len(text) < LARGEST_POLICIES - 1_000, f"{name}: ARNs are longer than their Refs"


# --- the verdicts fall when a role is too narrow or too wide --------------------------------------


def mutants(role: Role, change: Callable[[Statement], Statement | None]) -> Iterator[Role]:
    """The role with one statement changed, for each that can be."""
    for number, statement in enumerate(role.own):
        changed = change(statement)
        if changed is not None:
            own = [*role.own[:number], changed, *role.own[number + 1 :]]
            yield replace(role, own=own, all=[*own, *role.all[len(role.own) :]])


def without_last_attribute(statement: Statement) -> Statement | None:
    return _with_condition(statement, ATTRIBUTES, lambda values: values[:-1])


def with_another_attribute(statement: Statement) -> Statement | None:
    return _with_condition(statement, ATTRIBUTES, lambda values: (*values, "another"))


def without_last_action(statement: Statement) -> Statement | None:
    return replace(statement, actions=statement.actions[:-1])


def with_another_action(statement: Statement) -> Statement | None:
    return replace(statement, actions=(*statement.actions, "dynamodb:DeleteTable"))


def with_another_resource(statement: Statement) -> Statement | None:
    return replace(statement, resources=(*statement.resources, "arn:aws:s3:::another"))


def without_named_attributes(statement: Statement) -> Statement | None:
    return _without_condition(statement, ATTRIBUTES)


def without_leading_keys(statement: Statement) -> Statement | None:
    if statement.actions == ("dynamodb:UpdateItem",):
        return None
    return _without_condition(statement, LEADING_KEYS)


def without_purpose(statement: Statement) -> Statement | None:
    return _without_condition(statement, "kms:EncryptionContext:purpose")


def _with_condition(
    statement: Statement, key: str, change: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> Statement | None:
    def changed(condition: Condition) -> Condition:
        return replace(condition, values=change(condition.values))

    # What a negated condition names is refused, so with more values it allows less.
    named = [
        one.key == key and not one.operator.startswith(("StringNot", "ForAllValues:StringNot"))
        for one in statement.conditions
    ]
    if not any(named):
        return None
    both = zip(statement.conditions, named, strict=True)
    conditions = (changed(one) if is_named else one for one, is_named in both)
    return replace(statement, conditions=tuple(conditions))


def _without_condition(statement: Statement, key: str) -> Statement | None:
    kept = tuple(one for one in statement.conditions if one.key != key)
    return replace(statement, conditions=kept) if len(kept) < len(statement.conditions) else None


@pytest.mark.parametrize(
    ("verdict", "change", "least"),
    [
        (missing, without_last_attribute, 50),
        (missing, without_last_action, 100),
        (unused, with_another_attribute, 50),
        (unused, with_another_action, 100),
        (unused, with_another_resource, 100),
    ],
)
def test_a_role_that_was_changed_is_found(roles, verdict: Any, change: Any, least: int):
    changed = [mutant for role in roles.values() for mutant in mutants(role, change)]
    assert len(changed) >= least
    for mutant in changed:
        assert next(verdict(mutant), None), (mutant.function, change.__name__)


@pytest.mark.parametrize(
    ("change", "least"),
    [(without_named_attributes, 50), (without_leading_keys, 10), (without_purpose, 6)],
)
def test_a_role_that_lost_a_condition_is_found(roles, universe, change: Any, least: int):
    changed = [mutant for role in roles.values() for mutant in mutants(role, change)]
    assert len(changed) >= least
    for mutant in changed:
        before = set(left_open(roles[mutant.function], universe))
        assert set(left_open(mutant, universe)) - before, (mutant.function, change.__name__)
