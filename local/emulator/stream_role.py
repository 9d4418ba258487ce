"""Event source mappings of streams, when IAM is enforced: what the function's role must allow."""

from collections.abc import Mapping
from typing import Any

from ministack import app

from local.emulator.iam import role_may

READS = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
SENDS = {"sqs": "SendMessage", "sns": "Publish"}


def cannot_read(role: str, stream: str) -> str | None:
    """Say, as AWS does, that a role may not read a stream."""
    if not app.AUTH or all(role_may(role, f"dynamodb:{action}", stream) for action in READS):
        return None
    return (
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )


def cannot_send(role: str, mapping: Mapping[str, Any]) -> str | None:
    """Say, as AWS does, that a role may not send to the mapping's destination of failures."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get(
        "Destination", ""
    )
    service = destination.split(":")[2] if destination else ""
    action = SENDS.get(service)
    if not app.AUTH or not action or role_may(role, f"{service}:{action}", destination):
        return None
    return (
        "The provided execution role does not have permissions to call "
        f"{action} on {service.upper()}"
    )
