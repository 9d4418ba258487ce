"""S3 buckets: what the emulator's CloudFormation drops."""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from ministack.services import s3

from local.emulator.provisioning import Properties, accepted, after_provisioning

# CloudFormation's name for a lifecycle action -> the names S3's own API uses for it.
LIFECYCLE_ACTIONS = {
    "NoncurrentVersionExpiration": ("NoncurrentVersionExpiration", "NoncurrentDays"),
    "AbortIncompleteMultipartUpload": ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
}


def fill_gaps() -> None:
    """Apply the bucket properties the emulator ignores."""
    after_provisioning("AWS::S3::Bucket", apply_encryption)
    after_provisioning("AWS::S3::Bucket", apply_lifecycle)


def apply_encryption(bucket: str, properties: Properties, _before: Properties) -> None:
    """Fill a gap: BucketEncryption is dropped, so objects would be stored without SSE-KMS."""
    encryption = properties.get("BucketEncryption")
    if not encryption:
        s3._delete_bucket_encryption(bucket)
        return
    root = Element("ServerSideEncryptionConfiguration")
    for rule in encryption["ServerSideEncryptionConfiguration"]:
        _encryption_rule(SubElement(root, "Rule"), rule)
    accepted(s3._put_bucket_encryption(bucket, tostring(root)), "BucketEncryption")


def apply_lifecycle(bucket: str, properties: Properties, _before: Properties) -> None:
    """Fill a gap: LifecycleConfiguration is dropped. Stored only: the emulator expires nothing."""
    lifecycle = properties.get("LifecycleConfiguration")
    if not lifecycle:
        s3._delete_bucket_lifecycle(bucket)
        return
    root = Element("LifecycleConfiguration")
    for number, rule in enumerate(lifecycle["Rules"]):
        _lifecycle_rule(SubElement(root, "Rule"), rule, f"rule-{number}")
    accepted(s3._put_bucket_lifecycle(bucket, tostring(root)), "LifecycleConfiguration")


def _encryption_rule(element: Element, rule: Mapping[str, Any]) -> None:
    default = rule["ServerSideEncryptionByDefault"]
    apply = SubElement(element, "ApplyServerSideEncryptionByDefault")
    _text(apply, "SSEAlgorithm", default.get("SSEAlgorithm"))
    _text(apply, "KMSMasterKeyID", default.get("KMSMasterKeyID"))
    _text(element, "BucketKeyEnabled", str(rule.get("BucketKeyEnabled", False)).lower())


def _lifecycle_rule(element: Element, rule: Mapping[str, Any], default_id: str) -> None:
    _text(element, "ID", rule.get("Id", default_id))
    _text(SubElement(element, "Filter"), "Prefix", rule.get("Prefix", ""))
    _text(element, "Status", rule["Status"])
    if "ExpirationInDays" in rule:
        _text(SubElement(element, "Expiration"), "Days", rule["ExpirationInDays"])
    for action, (name, days) in LIFECYCLE_ACTIONS.items():
        if action in rule:
            _text(SubElement(element, name), days, rule[action][days])


def _text(parent: Element, name: str, value: object) -> None:
    if value is not None:
        SubElement(parent, name).text = str(value)
