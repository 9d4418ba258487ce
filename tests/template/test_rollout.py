"""What `make deploy` does around `sam deploy`: new versions, no rollback at first, the policy."""

import json
import re
import shutil
import subprocess

import boto3
import pytest
from moto import mock_aws

from local import rollout
from local.rollout import Target, protect, sam_deploy, status
from tests.support.expanded import deployed, expand, expanded, of_type, source
from tests.support.template import ROOT

STATEFUL = {
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
}
KEEPING = {"Retain", "RetainExceptOnCreate", "Snapshot"}


# --- a replaced table or key reaches the published versions ---


@pytest.fixture
def checkout(tmp_path):
    for name in ("Makefile", "template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("layers/cardvault", "requirements"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "layers/compile.sh", tmp_path / "layers")
    return tmp_path


def recipe(checkout, *arguments):
    """What `make deploy` would run."""
    command = ["make", "--dry-run", "deploy", *arguments]
    told = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    return told.stdout


def built_layer(checkout, *arguments):
    """The content of our layer, as `make deploy` has it built."""
    release = re.search(r'RELEASE="([^"]+)" \S+sam build', recipe(checkout, *arguments))[1]
    built = checkout / f"built-{release}"
    command = ["make", "build-CardvaultLayer", f"ARTIFACTS_DIR={built}", f"RELEASE={release}"]
    subprocess.run(command, cwd=checkout / "layers/cardvault", capture_output=True, check=True)
    files = sorted(path for path in built.rglob("*") if path.is_file())
    return "".join(f"{path.relative_to(built)} {hash(path.read_bytes())}" for path in files)


def published(layer):
    return set(of_type("AWS::Lambda::Version", expand(source(), layer=str(hash(layer)))))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("template.yaml", "KeySpec: RSA_2048", "KeySpec: RSA_3072"),
        ("template.yaml", "{ AttributeName: owner, KeyType: HASH }", "{ AttributeName: tenant }"),
        ("samconfig.toml", "LogRetentionDays=14", "LogRetentionDays=30"),
    ],
)
def test_a_replaced_key_or_table_or_a_parameter_publishes_every_version_anew(
    checkout, file, old, new
):
    before = built_layer(checkout)
    assert built_layer(checkout) == before
    text = (checkout / file).read_text()
    assert old in text
    (checkout / file).write_text(text.replace(old, new))
    after = built_layer(checkout)
    assert published(before)
    assert not published(before) & published(after)


def test_sam_alone_would_not_publish_them():
    # Why the mark is needed: a version is named after properties before they are worked out.
    changed = source()
    changed["Resources"]["SigningKey"]["Properties"]["KeySpec"] = "RSA_3072"
    changed["Resources"]["OrdersTable"]["Properties"]["KeySchema"][0]["AttributeName"] = "id"
    versions = [set(of_type("AWS::Lambda::Version", one)) for one in (expand(changed), expanded())]
    assert versions[0] == versions[1]


def test_an_operator_can_have_them_published_anew(checkout):
    assert built_layer(checkout) != built_layer(checkout, "RELEASE=restored-2026-01-02")


def test_the_layer_is_built_by_the_environments_own_python(checkout):
    python = re.search(r'PYTHON="([^"]+)"', recipe(checkout))[1]
    assert python == str(checkout / ".venv/bin/python")
    layer = shutil.copytree(ROOT / "layers/dependencies", checkout / "layers/dependencies")
    command = ["make", "--dry-run", "build-DependenciesLayer", "ARTIFACTS_DIR=/built"]
    environment = {"PYTHON": python, "PATH": "/usr/bin:/bin"}
    told = subprocess.run(
        command, cwd=layer, env=environment, capture_output=True, text=True, check=True
    )
    assert f"{python} -m pip install" in told.stdout
    assert "python3 -m pip" not in told.stdout


# --- the policy ---


def denies(action, kind):
    """Whether the stack policy denies an update to a resource of that type."""
    allowed = denied = False
    for statement in json.loads(rollout.POLICY.read_text())["Statement"]:
        assert (statement["Principal"], statement["Resource"]) == ("*", "*")
        kinds = statement.get("Condition", {}).get("StringEquals", {}).get("ResourceType")
        actions = statement["Action"]
        listed = actions if isinstance(actions, list) else [actions]
        if (kinds is None or kind in kinds) and {action, "Update:*"} & set(listed):
            allowed = allowed or statement["Effect"] == "Allow"
            denied = denied or statement["Effect"] == "Deny"
    return denied or not allowed


def kept():
    """Logical ids of what a deletion of the stack leaves, for it holds what cannot be remade."""
    resources = expanded()["Resources"].items()
    return {name for name, item in resources if item.get("DeletionPolicy") in KEEPING}


def test_no_update_replaces_or_removes_what_holds_data():
    for name, resource in expanded()["Resources"].items():
        holds_data = resource["Type"] in STATEFUL
        assert denies("Update:Replace", resource["Type"]) == holds_data, name
        assert denies("Update:Delete", resource["Type"]) == holds_data, name
        assert not denies("Update:Modify", resource["Type"]), name


def test_all_that_holds_data_is_kept_and_nothing_else_is():
    of_data = {n for n, item in expanded()["Resources"].items() if item["Type"] in STATEFUL}
    assert kept() == of_data
    assert len(of_data) == 17


def test_a_first_deployment_that_failed_leaves_no_key_behind():
    for name in kept():
        resource = expanded()["Resources"][name]
        # A table costs nothing while it is empty, and its protection would stop its removal.
        is_table = resource["Type"] == "AWS::DynamoDB::Table"
        assert resource["DeletionPolicy"] == ("Retain" if is_table else "RetainExceptOnCreate")
        assert resource["UpdateReplacePolicy"] == "Retain"
        assert resource["Properties"].get("DeletionProtectionEnabled", False) == is_table


def test_no_parameter_decides_over_what_holds_data():
    plain, foreign = deployed(), deployed(TokenIssuer="https://login.example.com", MailSender="")
    assert kept() <= plain.keys() & foreign.keys()


# --- around `sam deploy` ---

TARGET = Target("dev", "cardvault-dev", "eu-west-1")
TEMPLATE = json.dumps({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}})


@pytest.fixture
def cloudformation(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        yield boto3.client("cloudformation", region_name="eu-west-1")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_is_the_stack_that_sam_deploys(stage):
    stack = {"dev": "cardvault-dev", "prod": "cardvault"}[stage]
    assert Target.of(stage) == Target(stage, stack)


def test_a_region_and_a_profile_of_samconfig_count(tmp_path):
    file = tmp_path / "samconfig.toml"
    file.write_text('[x.deploy.parameters]\nstack_name="s"\nregion="eu-north-1"\nprofile="p"\n')
    assert Target.of("x", file) == Target("x", "s", "eu-north-1", "p")


def test_only_a_stack_that_never_stood_is_deployed_without_rollback(cloudformation, monkeypatch):
    assert sam_deploy(TARGET, cloudformation)[-1] == "--disable-rollback"
    cloudformation.create_stack(StackName=TARGET.stack, TemplateBody=TEMPLATE)
    assert sam_deploy(TARGET, cloudformation)[-2:] == ["--config-env", "dev"]
    for stopped in ("CREATE_FAILED", "REVIEW_IN_PROGRESS"):
        monkeypatch.setattr(rollout, "status", lambda *_, stopped=stopped: stopped)
        assert sam_deploy(TARGET, cloudformation)[-1] == "--disable-rollback"


def test_a_stack_that_stands_is_protected(cloudformation):
    assert status(TARGET, cloudformation) is None
    protect(TARGET, cloudformation)  # there is none yet, as when the change set was declined
    cloudformation.create_stack(StackName=TARGET.stack, TemplateBody=TEMPLATE)
    protect(TARGET, cloudformation)
    policy = cloudformation.get_stack_policy(StackName=TARGET.stack)["StackPolicyBody"]
    assert policy == rollout.POLICY.read_text()


@pytest.mark.parametrize(("fails", "protected"), [(0, True), (1, False)])
def test_the_policy_follows_a_deployment_that_succeeded(
    cloudformation, monkeypatch, fails, protected
):
    cloudformation.create_stack(StackName=TARGET.stack, TemplateBody=TEMPLATE)
    ran = []

    def run(command, **_):
        ran.append(command)
        return subprocess.CompletedProcess(command, fails)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(Target, "of", lambda _: TARGET)
    assert rollout.main(["dev"]) == fails
    assert len(ran) == 1
    policy = cloudformation.get_stack_policy(StackName=TARGET.stack).get("StackPolicyBody")
    assert bool(policy) == protected


def test_protecting_alone_deploys_nothing(cloudformation, monkeypatch):
    cloudformation.create_stack(StackName=TARGET.stack, TemplateBody=TEMPLATE)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("deployed"))
    assert rollout.main(["--protect", "dev"]) == 0


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (
            ["AWS_DEFAULT_REGION"],
            "no region: set AWS_DEFAULT_REGION, or `region` in {} of samconfig.toml\n",
        ),
        (
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
            "AWS could not be asked: Unable to locate credentials\n",
        ),
    ],
)
@pytest.mark.parametrize("option", [[], ["--protect"]])
def test_what_is_not_set_up_is_one_line(missing, told, option, monkeypatch, capsys, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-west-1")
    for name in [*missing, "AWS_PROFILE"]:
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("deployed"))
    assert rollout.main([*option, "dev"]) == 1
    assert capsys.readouterr() == ("", told.format("[dev.deploy.parameters]"))


def test_make_deploy_goes_this_way(checkout):
    told = recipe(checkout, "STAGE=prod")
    assert "-m local.rollout prod" in told
    assert "sam build --config-env prod" in told
    assert "sam deploy" not in told
