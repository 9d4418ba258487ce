"""The judge against known answers, and what a DynamoDB request is said to ask for.

Sources: IAM's evaluation logic and condition operators, and DynamoDB's condition keys
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
"""

from typing import Any

import pytest

from local.emulator.dynamodb_access import WHOLE_ITEM, accesses
from tests.roles.verdicts import pooled
from tests.support.iam import Decision, Request, Statement, decide

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/Games"
ALLOWED, NOT_ALLOWED, REFUSED = (
    Decision.ALLOWED,
    Decision.IMPLICITLY_DENIED,
    Decision.EXPLICITLY_DENIED,
)


def statement(effect="Allow", action="dynamodb:UpdateItem", resource=TABLE, **condition: Any):
    return Statement.parse(
        {"Effect": effect, "Action": action, "Resource": resource, "Condition": condition}
    )


def asked(action="dynamodb:UpdateItem", resource=TABLE, **context: str):
    named = {f"dynamodb:{name}": tuple(values.split()) for name, values in context.items()}
    return Request(action, resource, named)


NAMED = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["UserId", "Wins"]}}
OWN_KEYS = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*"]}}
NO_KEYS = {"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": ["*#*"]}}
MODEST = {"StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]}}


@pytest.mark.parametrize(
    ("statements", "request_", "decision"),
    [
        ([], asked(), NOT_ALLOWED),
        ([statement()], asked(), ALLOWED),
        ([statement(action="DynamoDB:Update*")], asked(), ALLOWED),
        ([statement(action="dynamodb:PutItem")], asked(), NOT_ALLOWED),
        ([statement(resource=TABLE + "/index/*")], asked(), NOT_ALLOWED),
        ([statement(resource="arn:aws:dynamodb:*:*:table/Game?")], asked(), ALLOWED),
        # A Deny wins, wherever it stands.
        ([statement("Deny"), statement()], asked(), REFUSED),
        ([statement(), statement("Deny", **OWN_KEYS)], asked(LeadingKeys="USER#1"), REFUSED),
        ([statement(), statement("Deny", **OWN_KEYS)], asked(LeadingKeys="GAME#1"), ALLOWED),
        # ForAllValues: every value of the request, and true of a request without any.
        ([statement(**NAMED)], asked(Attributes="UserId Wins"), ALLOWED),
        ([statement(**NAMED)], asked(Attributes="UserId Wins Losses"), NOT_ALLOWED),
        ([statement(**NAMED)], asked(), ALLOWED),
        ([statement(**OWN_KEYS)], asked(LeadingKeys="USER#1 USER#2"), ALLOWED),
        ([statement(**OWN_KEYS)], asked(LeadingKeys="USER#1 GAME#2"), NOT_ALLOWED),
        ([statement(**NO_KEYS)], asked(LeadingKeys="0123"), ALLOWED),
        ([statement(**NO_KEYS)], asked(LeadingKeys="0123 USER#1"), NOT_ALLOWED),
        ([statement(**NO_KEYS)], asked(), ALLOWED),
        # Two conditions of one statement must both hold; two statements do not add up.
        ([statement(**NAMED, **OWN_KEYS)], asked(Attributes="Wins"), ALLOWED),
        (
            [statement(**NAMED, **OWN_KEYS)],
            asked(Attributes="Wins", LeadingKeys="GAME#1"),
            NOT_ALLOWED,
        ),
        (
            [statement(**NAMED), statement(**OWN_KEYS)],
            asked(Attributes="Losses", LeadingKeys="GAME#1"),
            NOT_ALLOWED,
        ),
        # IfExists, and an operator of one value on a key that is absent.
        ([statement(**MODEST)], asked(), ALLOWED),
        ([statement(**MODEST)], asked(ReturnValues="ALL_NEW"), NOT_ALLOWED),
        ([statement(StringEquals={"a": "b"})], asked(), NOT_ALLOWED),
        ([statement(StringNotEquals={"a": "b"})], asked(), ALLOWED),
        ([statement(Null={"dynamodb:LeadingKeys": "true"})], asked(LeadingKeys="1"), NOT_ALLOWED),
    ],
)
def test_a_decision_is_iams(statements, request_, decision):
    assert decide(statements, request_) is decision


@pytest.mark.parametrize(
    "unknown",
    [
        {"Effect": "Allow", "NotAction": "a:b", "Action": "a:b", "Resource": "*"},
        {"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"IpAddress": {"a": 1}}},
    ],
)
def test_what_the_judge_does_not_know_it_does_not_judge(unknown):
    with pytest.raises(ValueError, match="does not know"):
        Statement.parse(unknown)


def test_a_key_of_several_values_needs_a_set_operator():
    with pytest.raises(ValueError, match="ForAllValues"):
        decide([statement(StringLike={"dynamodb:LeadingKeys": "*"})], asked(LeadingKeys="1 2"))


# --- what a request asks for --------------------------------------------------------------------


def access(operation: str, **request: Any):
    (found,) = accesses(operation, {"TableName": "Games", **request}, lambda *_: "UserId")
    return found


def attributes(operation: str, **request: Any) -> set[str]:
    return set(access(operation, **request).context.get("dynamodb:Attributes", ()))


NAMES = {"#0": "Wins", "#1": "Losses", "#2": "Score"}
KEY = {"UserId": {"S": "USER#1"}}


@pytest.mark.parametrize(
    ("expressions", "found"),
    [
        ({"UpdateExpression": "SET #0 = :0, #1 = :1"}, {"Wins", "Losses"}),
        ({"UpdateExpression": "SET #0 = if_not_exists(#2, :0) REMOVE #1"}, {*NAMES.values()}),
        ({"UpdateExpression": "ADD #0 :0"}, {"Wins"}),
        ({"ConditionExpression": "attribute_not_exists (#2)"}, {"Score"}),
        ({"ConditionExpression": "(#0 = :1 AND NOT contains(#1, :2))"}, {"Wins", "Losses"}),
        ({"UpdateExpression": "SET Wins = :w, #1.#2[0].Best = :b"}, {"Wins", "Losses"}),
        ({"UpdateExpression": "SET #0 = :0", "ReturnValues": "UPDATED_NEW"}, {"Wins"}),
        ({"UpdateExpression": "SET #0 = :0", "ReturnValues": "ALL_NEW"}, {"Wins", WHOLE_ITEM}),
        ({"UpdateExpression": "SET #0 = :0", "ReturnValues": "ALL_OLD"}, {"Wins", WHOLE_ITEM}),
        (
            {
                "UpdateExpression": "SET #0 = :0",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
            {"Wins", WHOLE_ITEM},
        ),
    ],
)
def test_attributes_are_those_an_update_changes_judges_by_or_returns(expressions, found):
    asked_for = {"Key": KEY, "ExpressionAttributeNames": NAMES, **expressions}
    assert attributes("UpdateItem", **asked_for) == {"UserId", *found}


def test_attributes_of_other_requests():
    item = {**KEY, "Wins": {"N": "1"}}
    judged = {"ConditionExpression": "attribute_not_exists(#1)", "ExpressionAttributeNames": NAMES}
    assert attributes("PutItem", Item=item, **judged) == {"UserId", "Wins", "Losses"}
    assert attributes("DeleteItem", Key=KEY) == {"UserId"}
    whole, part = access("GetItem", Key=KEY), access("GetItem", Key=KEY, AttributesToGet=["Wins"])
    assert whole.context["dynamodb:Attributes"] == ("UserId",)
    assert whole.context["dynamodb:Select"] == ("ALL_ATTRIBUTES",)
    assert part.context["dynamodb:Attributes"] == ("UserId", "Wins")
    assert part.context["dynamodb:Select"] == ("SPECIFIC_ATTRIBUTES",)
    assert attributes("Scan", Select="COUNT", FilterExpression="Wins > :n") == {"Wins"}
    assert attributes("Scan", AttributesToGet=["Wins"]) == {"Wins"}


def test_leading_keys_are_the_partition_keys_of_a_request():
    keys = "dynamodb:LeadingKeys"
    assert access("PutItem", Item=KEY).context[keys] == ("USER#1",)
    queried = access(
        "Query",
        KeyConditionExpression="(#0 = :0 AND #1 > :1)",
        ExpressionAttributeNames={"#0": "UserId", "#1": "Day"},
        ExpressionAttributeValues={":0": {"S": "USER#1"}, ":1": {"N": "1"}},
        IndexName="days",
    )
    assert (queried.index, queried.context[keys]) == ("days", ("USER#1",))
    assert keys not in access("Scan").context


def test_batches_and_transactions_are_what_they_hold():
    other = {"UserId": {"S": "USER#2"}}
    (read,) = accesses("BatchGetItem", {"RequestItems": {"Games": {"Keys": [KEY, other]}}}, _user)
    assert read.action == "dynamodb:BatchGetItem"
    assert read.context["dynamodb:LeadingKeys"] == ("USER#1", "USER#2")
    batch = [{"PutRequest": {"Item": KEY}}, {"DeleteRequest": {"Key": other}}]
    (written,) = accesses("BatchWriteItem", {"RequestItems": {"Games": batch}}, _user)
    assert written.context["dynamodb:LeadingKeys"] == ("USER#1", "USER#2")
    items = [
        {"Put": {"TableName": "Games", "Item": KEY}},
        {"Update": {"TableName": "Games", "Key": other, "UpdateExpression": "SET Wins = :w"}},
        {"ConditionCheck": {"TableName": "Games", "Key": KEY, "ConditionExpression": "Wins > :n"}},
    ]
    each = accesses("TransactWriteItems", {"TransactItems": items}, _user)
    actions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem"]
    assert [one.action for one in each] == actions
    assert [one.context["dynamodb:LeadingKeys"] for one in each] == [
        ("USER#1",),
        ("USER#2",),
        ("USER#1",),
    ]
    assert {one.context["dynamodb:EnclosingOperation"] for one in each} == {("TransactWriteItems",)}


def _user(*_: object) -> str:
    return "UserId"


def test_like_items_of_a_transaction_pool_their_values():
    one, two = asked(LeadingKeys="USER#1"), asked(LeadingKeys="GAME#1", Attributes="Wins")
    other = asked("dynamodb:PutItem", LeadingKeys="GAME#2")
    together = asked(LeadingKeys="GAME#1 USER#1", Attributes="Wins")
    assert list(pooled([one, other, two])) == [other, together]
    assert decide([statement(**OWN_KEYS)], together) is NOT_ALLOWED
