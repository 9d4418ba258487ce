"""A secret from Secrets Manager, kept in memory for minutes and read anew on request."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

LIFETIME_S = 300.0


@dataclass(frozen=True, slots=True)
class Secret:
    """A JSON secret as it was read. Each change of a secret has a version id of its own."""

    value: dict[str, Any] = field(repr=False)
    version: str


@dataclass(slots=True)
class CachedSecret:
    """A JSON secret. `monotonic` returns seconds and can be given in tests.

    Read when first used, not at init: a SnapStart clone must not share it (I12).
    """

    client: "SecretsManagerClient"
    arn: str
    monotonic: Callable[[], float] = time.monotonic
    _secret: Secret | None = field(default=None, repr=False)
    _read_at: float = 0.0

    def current(self) -> Secret:
        """The secret with its version, at most LIFETIME_S seconds old."""
        if self._secret is None or self.monotonic() - self._read_at > LIFETIME_S:
            answer = self.client.get_secret_value(SecretId=self.arn)
            self._secret = Secret(json.loads(answer["SecretString"]), answer["VersionId"])
            self._read_at = self.monotonic()
        return self._secret

    def value(self) -> dict[str, Any]:
        """The secret, at most LIFETIME_S seconds old."""
        return self.current().value

    def forget(self) -> None:
        """Read it anew the next time."""
        self._secret = None
