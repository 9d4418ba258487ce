"""What every test shares: no verdict that depends on speed, and one embedded stack a worker."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from cardvault.aws import failures
from cardvault.errors import CardvaultError
from local.cardvault import Cardvault, running
from local.clients.shop import Shop, User

# A busy machine draws examples slowly and is no defect.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def _every_error_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test in which a handler raises or answers an error that it does not declare."""

    def fail(error: CardvaultError) -> None:
        pytest.fail(f"{type(error).__name__} is not among the handler's raises")

    monkeypatch.setattr(failures, "log_undeclared", fail)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what a test wants said: it records it as the property `summary`."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "summary":
                terminalreporter.write_line(value)


STOREFRONT = "https://shop.example.com"


@pytest.fixture(scope="session")
def vault() -> Iterator[Cardvault]:
    """The real template on the embedded stack, each function held to its role."""
    # A burst queues, however slow the machine, and nothing is started twice.
    patient = {"EMULATOR_QUEUE_S": "3600", "EMULATOR_IDLE_S": "3600"}
    with running(
        parameters={"LogLevel": "DEBUG", "StorefrontOrigins": STOREFRONT},
        settings=patient,
        auth=True,
        handling_s=1.0,
    ) as running_vault:
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
