"""The product's modules in this process, on the tables and secrets of a running stack."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from local.stack.embedded import STACK_NAME, Stack
from local.stack.environment import REGION

RESOURCES = {
    "ORDERS_TABLE": "OrdersTable",
    "GIFT_CARDS_TABLE": "GiftCardsTable",
    "GIFT_PROGRAMS_TABLE": "GiftProgramsTable",
    "GIFT_GUARDS_TABLE": "GiftGuardsTable",
    "AUDIT_TABLE": "AuditTrailTable",
    "CARD_NUMBER_SECRET_ARN": "CardNumberSecret",
    "SECURITY_CODE_SECRET_ARN": "SecurityCodeSecret",
}


@contextmanager
def aimed_at(stack: Stack) -> Iterator[Settings]:
    """Settings that name the stack's resources, and clients that reach them, for a while."""
    formation = stack.client("cloudformation")
    named = {
        variable: formation.describe_stack_resource(
            StackName=STACK_NAME, LogicalResourceId=logical_id
        )["StackResourceDetail"]["PhysicalResourceId"]
        for variable, logical_id in RESOURCES.items()
    }
    before = dict(os.environ)
    os.environ.update(
        AWS_ENDPOINT_URL=stack.aws_url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION=REGION,
        POWERTOOLS_SERVICE_NAME="cardvault-test",
    )
    _forget_clients()
    try:
        yield Settings(named)
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget_clients()


def _forget_clients() -> None:
    for cached in (
        boto_clients.session,
        boto_clients.dynamodb,
        boto_clients.secrets_manager,
        tables.connection,
    ):
        cached.cache_clear()
