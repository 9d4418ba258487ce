"""AWS clients, one of each per process, with timeouts below every function's own.

They are made at init and hold no secret, so a SnapStart clone may share them (I12).
"""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_stepfunctions import SFNClient

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
ATTEMPTS = 3

_CONFIG = Config(
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
)


@cache
def kms() -> "KMSClient":
    """AWS Key Management Service."""
    return boto3.client("kms", config=_CONFIG)


@cache
def secrets_manager() -> "SecretsManagerClient":
    """AWS Secrets Manager."""
    return boto3.client("secretsmanager", config=_CONFIG)


@cache
def step_functions() -> "SFNClient":
    """AWS Step Functions."""
    return boto3.client("stepfunctions", config=_CONFIG)
