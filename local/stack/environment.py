"""The environment of the processes that the embedded stack starts."""

import os
from collections.abc import Mapping

import boto3
import botocore.session

REGION = "us-east-1"
ACCESS_KEY_ID = "000000000000"
"""The emulator takes a number of twelve digits for the account it belongs to."""
SECRET_ACCESS_KEY = "test"  # noqa: S105 - the emulator's, not anybody's


def without_aws(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Copy the environment without the user's AWS settings, so that none of them takes part."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AWS_", "SAM_")) and name.lower() not in {"http_proxy", "all_proxy"}
    }


def for_child(**extra: str) -> dict[str, str]:
    """Make the environment of a child process: the emulator's account and no AWS files."""
    return {
        **without_aws(),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "SAM_CLI_TELEMETRY": "0",
        **extra,
    }


def session() -> boto3.Session:
    """Make a boto3 session for this process that reads no AWS file and no AWS variable."""
    nothing = (None, None, None, None)
    no_file = (None, None, os.devnull, None)
    variables = {
        "profile": nothing,
        "ca_bundle": nothing,
        "config_file": no_file,
        "credentials_file": no_file,
    }
    return boto3.Session(
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        region_name=REGION,
        botocore_session=botocore.session.Session(session_vars=variables),
    )
