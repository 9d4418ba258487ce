"""Stores on moto, with the tables of template.yaml and the product's own settings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from cardvault.runtime import aws, tables
from cardvault.runtime.settings import Settings
from moto import mock_aws

from tests.support.template import resources, table_definition

REGION = "eu-west-1"


@dataclass
class Cloud:
    """One fresh account: settings that name its resources, and a client for any service."""

    settings: Settings

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_SERVICE_NAME": "cardvault-test",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for cached in (aws.kms, aws.secrets_manager, aws.step_functions, tables.connection):
        cached.cache_clear()
    with mock_aws():
        yield Cloud(Settings(_make_resources()))


def _make_resources() -> dict[str, str]:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    for logical_id in resources("AWS::DynamoDB::Table"):
        dynamodb.create_table(TableName=logical_id, **table_definition(logical_id))
    kms = boto3.client("kms", region_name=REGION)
    card_key = kms.create_key()["KeyMetadata"]["Arn"]
    signing_key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    secrets = boto3.client("secretsmanager", region_name=REGION)
    fingerprint = secrets.create_secret(Name="fingerprint", SecretString='{"key": "test"}')
    supplier = secrets.create_secret(
        Name="supplier", SecretString='{"baseUrl": "https://supplier.invalid", "accessToken": "t"}'
    )
    return {
        "ORDERS_TABLE": "OrdersTable",
        "DATA_KEYS_TABLE": "DataKeysTable",
        "AUDIT_TABLE": "AuditTrailTable",
        "CLIENTS_TABLE": "ApiClientsTable",
        "CARD_KEY_ARN": card_key,
        "SIGNING_KEY_ARN": signing_key,
        "FINGERPRINT_SECRET_ARN": fingerprint["ARN"],
        "SUPPLIER_SECRET_ARN": supplier["ARN"],
    }
