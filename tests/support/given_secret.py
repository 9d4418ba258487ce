"""A secret that is given, where Secrets Manager would be asked."""

import json
from typing import Any

from cardvault.aws.cached_secret import CachedSecret


class _Given:
    def __init__(self, **secret: Any) -> None:
        self.secret = secret

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": json.dumps(self.secret), "VersionId": "1"}


def given_secret(key: str, **more: Any) -> CachedSecret:
    return CachedSecret(_Given(key=key, **more), "arn:of:a:secret")  # type: ignore[arg-type]
