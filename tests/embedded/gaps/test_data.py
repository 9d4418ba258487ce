"""Tables, buckets and secrets: what CloudFormation makes of their properties."""

import json

import pytest

pytestmark = pytest.mark.embedded


def test_a_table_keeps_its_time_to_live(probe_stack):
    table = {"TableName": probe_stack.outputs["TableName"]}
    described = probe_stack.client("dynamodb").describe_time_to_live(**table)
    assert described["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expiresAt",
    }


def test_a_table_keeps_its_recovery_and_encryption(probe_stack):
    client, table = probe_stack.client("dynamodb"), probe_stack.outputs["TableName"]
    backups = client.describe_continuous_backups(TableName=table)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    encryption = client.describe_table(TableName=table)["Table"]["SSEDescription"]
    assert encryption["SSEType"] == "KMS"
    assert probe_stack.outputs["KeyId"] in encryption["KMSMasterKeyArn"]


def test_a_bucket_keeps_its_encryption(probe_stack):
    client, bucket = probe_stack.client("s3"), probe_stack.outputs["BucketName"]
    client.put_object(Bucket=bucket, Key="downloads/1", Body=b"codes")
    stored = client.head_object(Bucket=bucket, Key="downloads/1")
    assert stored["ServerSideEncryption"] == "aws:kms"
    assert probe_stack.outputs["KeyId"] in stored["SSEKMSKeyId"]


def test_a_bucket_keeps_its_lifecycle(probe_stack):
    client, bucket = probe_stack.client("s3"), probe_stack.outputs["BucketName"]
    rules = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [(rule["ID"], rule["Expiration"]["Days"]) for rule in rules] == [("soon", 1)]


def test_a_secret_is_generated_as_asked_and_referred_to_by_arn(probe_stack):
    assert probe_stack.outputs["SecretRef"] == probe_stack.outputs["SecretArn"]
    secret = probe_stack.client("secretsmanager").get_secret_value(
        SecretId=probe_stack.outputs["SecretRef"]
    )
    generated = json.loads(secret["SecretString"])
    assert generated["user"] == "app"
    assert len(generated["password"]) == 40
    assert generated["password"].isalnum()


def test_a_secret_is_imported_by_its_arn(probe_stack):
    secrets = probe_stack.client("secretsmanager")
    secret = secrets.create_secret(Name="kept", SecretString="as it was")
    kept = {"Type": "AWS::SecretsManager::Secret", "DeletionPolicy": "Retain", "Properties": {}}
    cloudformation = probe_stack.client("cloudformation")
    cloudformation.create_change_set(
        StackName="adopting",
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps({"Resources": {"Kept": kept}}),
        ResourcesToImport=[
            {
                "ResourceType": "AWS::SecretsManager::Secret",
                "LogicalResourceId": "Kept",
                "ResourceIdentifier": {"Id": secret["ARN"]},
            }
        ],
    )
    cloudformation.execute_change_set(StackName="adopting", ChangeSetName="import")
    cloudformation.get_waiter("stack_import_complete").wait(
        StackName="adopting", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    (adopted,) = cloudformation.list_stack_resources(StackName="adopting")["StackResourceSummaries"]
    assert adopted["PhysicalResourceId"] == secret["ARN"]
    value = secrets.get_secret_value(SecretId=secret["ARN"])
    assert value["SecretString"] == "as it was"
