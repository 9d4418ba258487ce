"""AWS clients, one of each per process, with timeouts below every function's own.

They are made at init and hold no secret, so a SnapStart clone may share them (I12).
"""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
ATTEMPTS = 3
# Between attempts botocore's standard mode pauses at most 1 s, then 2 s.
# Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
LONGEST_CALL_S = ATTEMPTS * (CONNECT_TIMEOUT_S + READ_TIMEOUT_S) + 2 ** (ATTEMPTS - 1) - 1

_CONFIG = Config(
    connect_timeout=CONNECT_TIMEOUT_S,
    read_timeout=READ_TIMEOUT_S,
    retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
)

# A second try of a message whose answer was lost would be a second message (I9).
_ONCE = _CONFIG.merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}))
# Left to itself boto3 signs S3 addresses the old way, which no policy can bound in age.
_SIGNING = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


@cache
def dynamodb() -> "DynamoDBClient":
    """Amazon DynamoDB, for what has no model; the models are served by `aws.tables`."""
    return boto3.client("dynamodb", config=_CONFIG)


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


@cache
def s3() -> "S3Client":
    """Amazon S3, signing addresses with SigV4."""
    return boto3.client("s3", config=_SIGNING)


@cache
def ses() -> "SESV2Client":
    """Amazon SES, version 2, which sends at most once."""
    return boto3.client("sesv2", config=_ONCE)


@cache
def ssm() -> "SSMClient":
    """AWS Systems Manager, for its parameters."""
    return boto3.client("ssm", config=_CONFIG)
