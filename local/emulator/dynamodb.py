"""DynamoDB tables: what the emulator's CloudFormation drops."""

from typing import Any

from ministack.services import dynamodb

from local.emulator.provisioning import Properties, accepted, after_provisioning, is_true


def fill_gaps() -> None:
    """Apply the table properties the emulator ignores."""
    after_provisioning("AWS::DynamoDB::Table", apply_time_to_live)
    after_provisioning("AWS::DynamoDB::Table", apply_point_in_time_recovery)
    after_provisioning("AWS::DynamoDB::Table", apply_encryption)


def apply_time_to_live(table: str, properties: Properties, before: Properties) -> None:
    """Fill a gap: TimeToLiveSpecification is dropped, so nothing would ever expire."""
    wanted: Properties = properties.get("TimeToLiveSpecification") or {}
    had: Properties = before.get("TimeToLiveSpecification") or {}
    if wanted == had:
        return
    enabled = is_true(wanted.get("Enabled"))
    attribute = wanted.get("AttributeName") or had.get("AttributeName")
    specification = {"AttributeName": attribute, "Enabled": enabled}
    request = {"TableName": table, "TimeToLiveSpecification": specification}
    accepted(dynamodb._update_ttl(request), "TimeToLiveSpecification")


def apply_point_in_time_recovery(table: str, properties: Properties, before: Properties) -> None:
    """Fill a gap: PointInTimeRecoverySpecification is dropped."""
    name = "PointInTimeRecoverySpecification"
    wanted = properties.get(name)
    if wanted == before.get(name):
        return
    enabled = is_true((wanted or {}).get("PointInTimeRecoveryEnabled"))
    request = {"TableName": table, name: {"PointInTimeRecoveryEnabled": enabled}}
    accepted(dynamodb._update_continuous_backups(request), name)


def apply_encryption(table: str, properties: Properties, before: Properties) -> None:
    """Fill a gap: SSESpecification is dropped when the table is created."""
    wanted = properties.get("SSESpecification")
    if wanted == before.get("SSESpecification"):
        return
    description: dict[str, Any] | None = None
    if wanted and is_true(wanted.get("SSEEnabled")):
        description = {
            "Status": "ENABLED",
            "SSEType": wanted.get("SSEType", "KMS"),
            "KMSMasterKeyArn": wanted.get("KMSMasterKeyId", ""),
        }
    dynamodb._tables[table]["SSEDescription"] = description
