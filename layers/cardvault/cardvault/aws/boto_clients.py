"""AWS clients, one of each per process, with timeouts below every function's own.

They are made at init and hold no secret, so a SnapStart clone may share them (I12). They are
boto3's, made by botocore: boto3 adds S3's transfer manager, 19 ms of imports that nobody uses.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from botocore import UNSIGNED
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.session import Session

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

# PynamoDB builds its requests by itself.
_UNCHECKED = _CONFIG.merge(Config(parameter_validation=False))
# A second try of a message whose answer was lost would be a second message (I9).
_ONCE = _CONFIG.merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}))
# Left to itself boto3 signs S3 addresses the old way, which no policy can bound in age.
_SIGNING = _CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


@cache
def session() -> Session:
    """What all clients share: credentials, and the descriptions of services once they are read."""
    return Session()


@cache
def dynamodb() -> "DynamoDBClient":
    """Amazon DynamoDB, which also serves the models (`aws.tables`)."""
    client: DynamoDBClient = _client("dynamodb", _UNCHECKED)
    _rehearse(client, "GetItem", {"TableName": "none", "Key": {"key": {"S": "none"}}})
    return client


@cache
def kms() -> "KMSClient":
    """AWS Key Management Service."""
    client: KMSClient = _client("kms", _CONFIG)
    _rehearse(client, "Decrypt", {"CiphertextBlob": b"none"})
    return client


@cache
def secrets_manager() -> "SecretsManagerClient":
    """AWS Secrets Manager."""
    return cast("SecretsManagerClient", _client("secretsmanager", _CONFIG))


@cache
def step_functions() -> "SFNClient":
    """AWS Step Functions."""
    return cast("SFNClient", _client("stepfunctions", _CONFIG))


@cache
def s3() -> "S3Client":
    """Amazon S3, signing addresses with SigV4."""
    return cast("S3Client", _client("s3", _SIGNING))


@cache
def ses() -> "SESV2Client":
    """Amazon SES, version 2, which sends at most once."""
    return cast("SESV2Client", _client("sesv2", _ONCE))


@cache
def ssm() -> "SSMClient":
    """AWS Systems Manager, for its parameters."""
    return cast("SSMClient", _client("ssm", _CONFIG))


def _client(service: str, config: Config) -> Any:
    return session().create_client(service, config=config)


def _rehearse(client: Any, operation: str, parameters: dict[str, Any]) -> None:
    """Prepare a request and read an answer to it, and send nothing. It needs no credentials.

    What botocore works out at its first call, endpoint, shapes and parser, is then in the
    snapshot, or was done before the first event came.
    """
    events = client.meta.events
    stand_ins = {"before-send.*.*": _answer_nothing, "choose-signer.*.*": _sign_nothing}
    for event, stand_in in stand_ins.items():
        events.register_first(event, stand_in)
    try:
        client._make_api_call(operation, parameters)  # noqa: SLF001 - as PynamoDB calls it
    finally:
        for event, stand_in in stand_ins.items():
            events.unregister(event, stand_in)


def _sign_nothing(**_: Any) -> Any:
    return UNSIGNED


def _answer_nothing(request: AWSRequest, **_: Any) -> AWSResponse:
    return AWSResponse(str(request.url), 200, HTTPHeaders(), _NothingToRead())


class _NothingToRead:
    def stream(self, *_: Any, **__: Any) -> list[bytes]:
        return [b"{}"]
