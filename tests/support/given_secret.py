"""A secret that is given, where Secrets Manager would be asked."""

import json

from cardvault.aws.cached_secret import CachedSecret


class _Given:
    def __init__(self, key: str) -> None:
        self.key = key

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": json.dumps({"key": self.key}), "VersionId": "1"}


def given_secret(key: str) -> CachedSecret:
    return CachedSecret(_Given(key), "arn:of:a:secret")  # type: ignore[arg-type]
