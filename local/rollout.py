"""`make deploy` and `make protect`: a build to AWS, and the policy that guards its data.

SAM has no option for a stack policy, so it is set once the stack stands. CloudFormation then
refuses an update that would replace or remove what holds data.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/protect-stack-resources.html
"""

import argparse
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from local.stack.build import ROOT

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

POLICY = ROOT / "stack-policy.json"
NEVER_STOOD = {None, "REVIEW_IN_PROGRESS", "CREATE_FAILED", "UPDATE_FAILED"}
"""No such stack; or it stopped half-way, which is where a deployment without rollback goes on."""


@dataclass(frozen=True)
class Target:
    """The stack of a stage in samconfig.toml, and where it is."""

    stage: str
    stack: str
    region: str | None = None
    profile: str | None = None

    @classmethod
    def of(cls, stage: str, file: Path = ROOT / "samconfig.toml") -> Self:
        """As `sam deploy --config-env` reads it. Raises KeyError for an unknown stage."""
        given: dict[str, Any] = tomllib.loads(file.read_text())[stage]["deploy"]["parameters"]
        return cls(stage, given["stack_name"], given.get("region"), given.get("profile"))

    def cloudformation(self) -> "CloudFormationClient":
        """A client with the user's own credentials."""
        session = boto3.Session(profile_name=self.profile, region_name=self.region)
        return session.client("cloudformation")


def status(target: Target, cloudformation: "CloudFormationClient") -> str | None:
    """The stack's status, None if there is no such stack."""
    try:
        stacks = cloudformation.describe_stacks(StackName=target.stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return stacks[0]["StackStatus"]


def sam_deploy(target: Target, cloudformation: "CloudFormationClient") -> list[str]:
    """The command. What was made by a first deployment that fails is kept, for the next to go on.

    Only then: CloudFormation refuses to replace any resource in an update without rollback.
    """
    command = [sys.executable, "-m", "samcli", "deploy", "--config-env", target.stage]
    if status(target, cloudformation) in NEVER_STOOD:
        command.append("--disable-rollback")
    return command


def protect(target: Target, cloudformation: "CloudFormationClient") -> None:
    """Put stack-policy.json on the stack, if it stands."""
    if status(target, cloudformation) not in NEVER_STOOD:
        body = POLICY.read_text()
        cloudformation.set_stack_policy(StackName=target.stack, StackPolicyBody=body)


def main(arguments: list[str] | None = None) -> int:
    """Deploy the present build to a stage, or only protect it; the exit status.

    What a person must set up first, a region or credentials, is one line on stderr.
    """
    parser = argparse.ArgumentParser(prog="rollout")
    parser.add_argument("stage")
    parser.add_argument("--protect", action="store_true", help="set the stack policy, no more")
    asked = parser.parse_args(arguments)
    target = Target.of(asked.stage)
    try:
        return _roll_out(target, only_protect=asked.protect)
    except NoRegionError:
        where = f"[{asked.stage}.deploy.parameters] of samconfig.toml"
        print(f"no region: set AWS_DEFAULT_REGION, or `region` in {where}", file=sys.stderr)
    except BotoCoreError as error:
        print(f"AWS could not be asked: {error}", file=sys.stderr)
    return 1


def _roll_out(target: Target, *, only_protect: bool) -> int:
    cloudformation = target.cloudformation()
    if not only_protect:
        deployed = subprocess.run(sam_deploy(target, cloudformation), cwd=ROOT, check=False)  # noqa: S603
        if deployed.returncode:
            return deployed.returncode
    protect(target, cloudformation)
    return 0


if __name__ == "__main__":
    sys.exit(main())
