"""Unit tests reach no network and know no AWS account."""

import os
from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def _no_sockets_no_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    disable_socket()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "cardvault-test")
    yield
    enable_socket()
