"""Fixtures that run a function as Lambda does, and hear all that it says."""

import io
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from unittest.mock import MagicMock

import botocore.client
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardvault.aws.logs import logger
from cardvault.core import clock as clock_module
from cardvault.fulfilment import create
from cardvault.identity.readiness import AwaitIssuer
from cardvault.supplier import key_check
from cardvault.supplier.client import SupplierClient
from tests.support.apps import any_value
from tests.support.doubles import START, ScriptedSupplier
from tests.support.functions import (
    ORDERS,
    PROGRAM_ID,
    invoke,
    make_client,
    make_gift_cards,
    more_settings,
    order_id,
    orders_of,
    speaks_of_gift_cards,
)
from tests.support.template import resources


class HeldClock(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return START + timedelta(hours=1)


@dataclass
class Output:
    """All that a function says: logs of every level and logger, and what it prints."""

    stream: io.StringIO
    printed: pytest.CaptureFixture[str]

    def text(self) -> str:
        return self.stream.getvalue() + "".join(self.printed.readouterr())


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    everything = logging.StreamHandler(stream)
    levels = {"": logging.DEBUG, logger.name: logging.DEBUG, "moto": logging.WARNING}
    before = {name: logging.getLogger(name).level for name in levels}
    logging.getLogger().addHandler(everything)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    yield Output(stream, capsys)
    logging.getLogger().removeHandler(everything)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def run(
    steps: Any, supplier: ScriptedSupplier, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Any]:
    """Runs a function on an event, in a world with the client and orders that it speaks of."""
    for name, value in {**steps.cloud.settings.environment, **more_settings(steps)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(clock_module, "datetime", HeldClock)
    for method in ("place_order", "check_order", "list_orders", "sells_real_cards"):
        monkeypatch.setattr(SupplierClient, method, as_scripted(supplier, method))
    monkeypatch.setattr(key_check, "check_key", lambda *_: key_check.KeyKind.PRODUCTION)
    monkeypatch.setattr(AwaitIssuer, "__call__", lambda *_: None)
    monkeypatch.setattr(requests, "put", lambda *_, **__: MagicMock(spec=requests.Response))
    make_client(steps)
    made: set[int | str] = set()

    def running(case: str) -> Any:
        supplier.placing.clear()
        for number in sorted(orders_of(case) - made):
            with monkeypatch.context() as numbered:
                numbered.setattr(create, "new_id", lambda _, number=number: order_id(number))
                ORDERS[number](steps)
            made.add(number)
        if speaks_of_gift_cards(case) and PROGRAM_ID not in made:
            with monkeypatch.context() as numbered:
                make_gift_cards(steps, numbered)
            made.add(PROGRAM_ID)
        supplier.placing.append("S-NEW")
        return invoke(case)

    return running


def as_scripted(supplier: ScriptedSupplier, method: str) -> Callable[..., Any]:
    return lambda _, *arguments, **options: getattr(supplier, method)(*arguments, **options)


@pytest.fixture
def aws_raises(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Every AWS call raises, on an account that is not there."""
    declared = {
        variable
        for function in resources("AWS::Serverless::Function").values()
        for variable in function["Properties"].get("Environment", {}).get("Variables", {})
    }
    for variable in declared | {"POWERTOOLS_SERVICE_NAME"}:
        monkeypatch.setenv(variable, any_value(variable))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    public_key = rsa.generate_private_key(65537, 2048).public_key()
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def raising(error: Exception) -> None:
        def failing(_client: Any, operation: str, _arguments: Any) -> dict[str, bytes]:
            if operation == "GetPublicKey":  # at init, before there is a request
                return {"PublicKey": der}
            raise error

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", failing)

    return raising
