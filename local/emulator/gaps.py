"""Every gap that is filled, service by service."""

from local.emulator import (
    dynamodb,
    dynamodb_iam,
    dynamodb_streams,
    http_api,
    iam,
    jwt_authorizer,
    kms,
    lambda_layers,
    lambda_runtime,
    s3,
    sam,
    secrets_manager,
    stepfunctions,
    stepfunctions_role,
    stream_mappings,
)

SERVICES = (
    dynamodb,
    dynamodb_iam,
    dynamodb_streams,
    http_api,
    iam,
    jwt_authorizer,
    kms,
    lambda_runtime,
    s3,
    sam,
    secrets_manager,
    stepfunctions,
    stepfunctions_role,
    stream_mappings,
)


def fill() -> None:
    """Fill the gaps of every service, before the emulator answers its first request."""
    for service in SERVICES:
        service.fill_gaps()
    lambda_layers.forget_unused()
