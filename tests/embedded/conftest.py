"""The real template on the embedded stack, once for all tests here."""

import os
import uuid
from collections.abc import Iterator

import pytest

from local.cardvault import Cardvault, Shop, User, running

# The end-to-end suite runs again with the emulator's IAM on: EMBEDDED_AUTH=1.
AUTH = os.environ.get("EMBEDDED_AUTH") == "1"


@pytest.fixture(scope="session")
def vault() -> Iterator[Cardvault]:
    parameters = {"LogLevel": "DEBUG", "FulfilmentDeadlineSeconds": "15"}
    with running(parameters=parameters, auth=AUTH, handling_s=1.0) as running_vault:
        running_vault.supplier.canary("CANARY")
        yield running_vault


@pytest.fixture(scope="session")
def shop(vault: Cardvault) -> Shop:
    return vault.shop()


@pytest.fixture
def alice(shop: Shop) -> User:
    """A user of her own for each test."""
    return shop.user(f"alice-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex
