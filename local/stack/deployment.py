"""Deploy a build into the emulator with CloudFormation."""

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local.stack.build import ARTIFACTS_BUCKET, Build

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
POLL_S = 0.1
DEPLOY_WITHIN_S = 600.0
TEMPLATE_KEY = "template.json"


class DeploymentError(RuntimeError):
    """CloudFormation refused; the message names the resource and the reason."""


def deploy(
    name: str,
    build: Build,
    parameters: Mapping[str, str],
    *,
    cloudformation: "CloudFormationClient",
    s3: "S3Client",
    while_waiting: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Create or update the stack and return its outputs.

    `while_waiting` is called again and again until it is done.
    """
    _upload(build, s3)
    request = {
        "StackName": name,
        "TemplateURL": f"{s3.meta.endpoint_url}/{ARTIFACTS_BUCKET}/{TEMPLATE_KEY}",
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": CAPABILITIES,
    }
    if _exists(name, cloudformation):
        try:
            cloudformation.update_stack(**request)  # type: ignore[arg-type]
        except ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise
    else:
        cloudformation.create_stack(**request)  # type: ignore[arg-type]
    return _outputs_when_done(name, cloudformation, while_waiting)


def apis_of_outputs(built: Build) -> dict[str, str]:
    """The logical ids of the resources that a template's outputs refer to, by output."""
    outputs = json.loads(built.template).get("Outputs", {})
    values = {name: output["Value"] for name, output in outputs.items()}
    return {
        name: value["Ref"]
        for name, value in values.items()
        if isinstance(value, dict) and "Ref" in value
    }


def made_so_far(name: str, cloudformation: "CloudFormationClient") -> dict[str, str]:
    """Physical ids of what a stack has made, by logical id, also in the middle of a deployment."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    made: dict[str, str] = {}
    for event in (event for page in pages for event in page["StackEvents"]):  # the newest first
        if event["ResourceStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            made.setdefault(event["LogicalResourceId"], event["PhysicalResourceId"])
    return made


def _upload(build: Build, s3: "S3Client") -> None:
    s3.create_bucket(Bucket=ARTIFACTS_BUCKET)
    for package in build.packages:
        s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=package.name, Body=package.read_bytes())
    s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=TEMPLATE_KEY, Body=build.template.encode())


def _exists(name: str, cloudformation: "CloudFormationClient") -> bool:
    try:
        cloudformation.describe_stacks(StackName=name)
    except ClientError:
        return False
    return True


def _outputs_when_done(
    name: str, cloudformation: "CloudFormationClient", while_waiting: Callable[[], None]
) -> dict[str, str]:
    give_up_at = time.monotonic() + DEPLOY_WITHIN_S
    while time.monotonic() < give_up_at:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        status = stack["StackStatus"]
        if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            return {
                output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])
            }
        if "FAILED" in status or "ROLLBACK" in status:
            raise DeploymentError(_reason(name, cloudformation))
        while_waiting()
        time.sleep(POLL_S)
    message = f"stack {name} is not deployed after {DEPLOY_WITHIN_S:.0f} s"
    raise DeploymentError(message)


def _reason(name: str, cloudformation: "CloudFormationClient") -> str:
    """Name the first resource that failed; what follows is only its consequence."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    events = [event for page in pages for event in page["StackEvents"]]
    failures = [
        f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): "
        f"{event.get('ResourceStatusReason', 'no reason given')}"
        for event in reversed(events)
        if "FAILED" in event.get("ResourceStatus", "")
        and "cancelled" not in event.get("ResourceStatusReason", "")
    ]
    return f"stack {name} failed at {failures[0] if failures else 'an unknown resource'}"
