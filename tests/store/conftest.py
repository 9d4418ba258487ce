"""Stores on moto, with the tables of template.yaml and the product's own settings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import boto3
import moto.kms.models
import pytest
from moto import mock_aws

from cardvault.audit import trail
from cardvault.audit.chain import ChainHead, Overwritten
from cardvault.audit.trail import AuditRecord
from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.fulfilment.create import CreateOrder, NewOrder
from cardvault.fulfilment.place import PlaceOrder, ReconcileOrder
from cardvault.fulfilment.store_cards import StoreCards
from cardvault.http.caller import Caller
from cardvault.identity.ceilings import CeilingRecord
from cardvault.links import AccessLink
from cardvault.mail.daily_totals import MailsToAddress
from cardvault.mail.suppression import Suppression
from cardvault.orders.records import OrderRecord, UniquenessRecord
from cardvault.orders.reveal import RevealCards, RevealedPage
from cardvault.sealing.code_marks import CodeMark
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord, SealedPage
from tests.support.delivery import Desk
from tests.support.doubles import FixedClock, ScriptedSupplier, caller, canary_cards
from tests.support.running import aws_raises, output, run  # noqa: F401 - fixtures
from tests.support.template import resources, table_definition

REGION = "eu-west-1"
CLIENTS = (
    boto_clients.session,
    boto_clients.dynamodb,
    boto_clients.kms,
    boto_clients.s3,
    boto_clients.secrets_manager,
    boto_clients.ses,
    boto_clients.ssm,
    boto_clients.step_functions,
    tables.connection,
)
_made: dict[Any, Any] = {}
SENDER = "cards@shop.example"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "POWERTOOLS_SERVICE_NAME": "cardvault-test",
}


@dataclass
class Cloud:
    """One fresh account: settings that name its resources, and a client for any service."""

    settings: Settings

    def client(self, service: str) -> Any:
        return client(service)


# An account is made anew for each test. What costs most of it is the same each time and knows
# nothing of an account: clients, and moto's RSA keys.
@cache
def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


moto.kms.models.generate_private_key = cache(moto.kms.models.generate_private_key)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield _fresh_cloud()


def _own_clients() -> None:
    """Have the product use the clients that were made here, not what another test left."""
    for cached in CLIENTS:
        if cached() is not _made.get(cached):
            cached.cache_clear()
            _made[cached] = cached()


def _fresh_cloud() -> Cloud:
    _own_clients()
    return Cloud(Settings(_make_resources()))


def _make_resources() -> dict[str, str]:
    dynamodb = client("dynamodb")
    for logical_id in resources("AWS::DynamoDB::Table"):
        dynamodb.create_table(TableName=logical_id, **table_definition(logical_id))
    kms = client("kms")
    card_key = kms.create_key()["KeyMetadata"]["Arn"]
    signing_key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    secrets = client("secretsmanager")
    fingerprint = secrets.create_secret(Name="fingerprint", SecretString='{"key": "test"}')
    number = secrets.create_secret(Name="number", SecretString='{"key": "test number"}')
    code = secrets.create_secret(Name="code", SecretString='{"key": "test code"}')
    supplier = secrets.create_secret(
        Name="supplier", SecretString='{"baseUrl": "https://supplier.invalid", "accessToken": "t"}'
    )
    s3 = client("s3")
    s3.create_bucket(Bucket="downloads", CreateBucketConfiguration={"LocationConstraint": REGION})
    ses = client("sesv2")
    ses.create_email_identity(EmailIdentity=SENDER)
    ses.create_configuration_set(ConfigurationSetName="mail")
    return {
        "LINKS_TABLE": "AccessLinksTable",
        "DOWNLOADS_BUCKET": "downloads",
        "DOWNLOADS_KEY_ARN": kms.create_key()["KeyMetadata"]["Arn"],
        "MAIL_SENDER": SENDER,
        "ORDERS_TABLE": "OrdersTable",
        "DATA_KEYS_TABLE": "DataKeysTable",
        "CODE_MARKS_TABLE": "CodeMarksTable",
        "AUDIT_TABLE": "AuditTrailTable",
        "CLIENTS_TABLE": "ApiClientsTable",
        "GIFT_CARDS_TABLE": "GiftCardsTable",
        "GIFT_PROGRAMS_TABLE": "GiftProgramsTable",
        "GIFT_GUARDS_TABLE": "GiftGuardsTable",
        "CARD_NUMBER_SECRET_ARN": number["ARN"],
        "SECURITY_CODE_SECRET_ARN": code["ARN"],
        "CARD_KEY_ARN": card_key,
        "SIGNING_KEY_ARN": signing_key,
        "FINGERPRINT_SECRET_ARN": fingerprint["ARN"],
        "SUPPLIER_SECRET_ARN": supplier["ARN"],
    }


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def supplier() -> ScriptedSupplier:
    return ScriptedSupplier()


@dataclass
class Steps:
    """Every step an order takes, on moto, with a scripted supplier."""

    cloud: Cloud
    supplier: ScriptedSupplier
    clock: FixedClock
    started: list[str]
    tenants_cards_per_day: int = 50_000

    def create(self, key: str = "key-1", by: Caller | None = None, **order: Any) -> OrderRecord:
        wanted = {"productId": "P1", "typeId": "T1", "quantity": 3, **order}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        ceiling = self.tenants_cards_per_day
        making = CreateOrder(self, timedelta(minutes=30), ceiling, self.clock)  # type: ignore[arg-type]
        return making(NewOrder.parse(wanted), key, by or caller())

    def start(self, order_id: str) -> None:
        self.started.append(order_id)

    def place(self, order_id: str, **resolution: Any) -> OrderRecord:
        step = PlaceOrder(self.supplier, self.clock)  # type: ignore[arg-type]
        return step(order_id, **resolution)

    def reconcile(self, order_id: str) -> OrderRecord:
        return ReconcileOrder(self.supplier, self.clock)(order_id)  # type: ignore[arg-type]

    def store(self, order_id: str) -> OrderRecord:
        settings = self.cloud.settings
        step = StoreCards(
            self.supplier,  # type: ignore[arg-type]
            Keyring(boto_clients.kms(), settings.card_key_arn),
            CachedSecret(boto_clients.secrets_manager(), settings.fingerprint_secret_arn),
            self.clock,
        )
        return step(order_id)

    def reveal(self, order_id: str, page: int = 0, by: Caller | None = None) -> RevealedPage:
        keyring = Keyring(boto_clients.kms(), self.cloud.settings.card_key_arn)
        return RevealCards(keyring, self.clock)(order_id, page, by or caller())

    def stored_order(self, cards: int = 3, key: str = "key-1", by: Caller | None = None) -> str:
        """An order with its cards in the vault; returns its id."""
        order = self.create(key, by, quantity=cards)
        supplier_order_id = f"S-{order.order_id}"
        self.supplier.placing.append(supplier_order_id)
        self.supplier.has(supplier_order_id, quantity=cards, cards=canary_cards(cards))
        self.place(order.order_id)
        self.store(order.order_id)
        return str(order.order_id)

    def stored_for(self, cards: int = 3, key: str = "key-1", **recipient: Any) -> str:
        """As `stored_order`, for a customer with an address."""
        given = {"email": "ada@example.com", **recipient}
        order = self.create(key, quantity=cards, delivery=given)
        supplier_order_id = f"S-{order.order_id}"
        self.supplier.placing.append(supplier_order_id)
        self.supplier.has(supplier_order_id, quantity=cards, cards=canary_cards(cards))
        self.place(order.order_id)
        self.store(order.order_id)
        return str(order.order_id)

    def events(self, order_id: str) -> list[str]:
        return [record.event for record in trail.read_all(order_id)]


@contextmanager
def on_moto() -> Iterator[Steps]:
    """The steps on a fresh account, for use outside a test."""
    os.environ.update(ENVIRONMENT)
    with mock_aws():
        yield _steps(_fresh_cloud(), ScriptedSupplier(), FixedClock())


@pytest.fixture
def steps(cloud: Cloud, supplier: ScriptedSupplier, clock: FixedClock) -> Steps:
    return _steps(cloud, supplier, clock)


def _steps(cloud: Cloud, supplier: ScriptedSupplier, clock: FixedClock) -> Steps:
    tables.use(cloud.settings, OrderRecord, UniquenessRecord, SealedPage, DataKeyRecord)
    tables.use(cloud.settings, CeilingRecord, CodeMark)
    tables.use(cloud.settings, AuditRecord, ChainHead, Overwritten)
    return Steps(cloud, supplier, clock, [])


@pytest.fixture
def desk(steps: Steps) -> Desk:
    tables.use(steps.cloud.settings, AccessLink, Suppression, MailsToAddress)
    return Desk(steps)
