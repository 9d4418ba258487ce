"""An account on moto with what template.yaml declares, and each function's environment and role.

Nothing here lists functions, tables or secrets: a new one in the template is found by its type.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from tests.support.expanded import expanded
from tests.support.iam import Statement
from tests.support.template import resources

REGION = "eu-west-1"
SENDER = "cards@shop.example"
PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "cardvault",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}
PARAMETERS = {"MailSender": SENDER, "PublicUrl": "https://cards.example.com"}
Names = Mapping[str, str]
MAPPING = "AWS::Lambda::EventSourceMapping"


class Resolver:
    """CloudFormation's intrinsics, given what each resource answers to Ref and GetAtt."""

    def __init__(self, document: Mapping[str, Any], made: Mapping[str, Names]) -> None:
        self._document, self._made = document, made

    def __call__(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self, value) if item is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._intrinsics:
                return self._intrinsics[name](argument)
        resolved = {key: self(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not None}

    @property
    def _intrinsics(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::If": lambda parts: self(parts[1] if self._condition(parts[0]) else parts[2]),
            "Fn::Equals": lambda parts: self(parts[0]) == self(parts[1]),
            "Fn::Not": lambda parts: not self(parts[0]),
            "Fn::And": lambda parts: all(self(parts)),
            "Fn::Or": lambda parts: any(self(parts)),
            "Fn::Join": lambda parts: parts[0].join(self(parts[1])),
            "Condition": self._condition,
        }

    def _ref(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        parameters = self._document.get("Parameters", {})
        if name in parameters:
            return PARAMETERS.get(name, str(parameters[name].get("Default", name)))
        return self._answer(name, "Ref")

    def _get_att(self, argument: Any) -> str:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._answer(name, attribute)

    def _answer(self, name: str, attribute: str) -> str:
        placeholder = name if attribute == "Ref" else f"arn:aws:none:::{name}/{attribute}"
        return self._made.get(name, {}).get(attribute, placeholder)

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def put(found: re.Match[str]) -> str:
            name = found.group(1)
            if name in given:
                return str(self(given[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^!}]+)\}", put, text)

    def _condition(self, name: str) -> bool:
        return bool(self(self._document["Conditions"][name]))


@dataclass
class Account:
    """What was made. `document` is the template as CloudFormation gets it."""

    document: Mapping[str, Any]
    made: Mapping[str, Names]

    @classmethod
    def open(cls) -> "Account":
        """Make every resource that a function may call. Under moto."""
        document = expanded()
        made: dict[str, Names] = {}
        resolve = Resolver(document, made)
        for name, resource in document["Resources"].items():
            maker = _MAKERS.get(resource["Type"])
            if maker:
                made[name] = maker(name, resolve(resource.get("Properties", {})))
        boto3.client("sesv2", region_name=REGION).create_email_identity(EmailIdentity=SENDER)
        return cls(document, made)

    def resolve(self, value: Any) -> Any:
        return Resolver(self.document, self.made)(value)

    @cached_property
    def functions(self) -> dict[str, str]:
        """The name of a function's folder -> its logical id."""
        return {
            Path(function["Properties"]["CodeUri"]).name: name
            for name, function in resources("AWS::Serverless::Function").items()
        }

    def environment(self, function: str) -> dict[str, str]:
        properties = self.document["Resources"][function]["Properties"]
        declared = self.resolve(properties.get("Environment", {}).get("Variables", {}))
        return {name: str(value) for name, value in declared.items()}

    def statements(self, function: str) -> list[Statement]:
        """What the function's role says, with the Denies of bucket policies."""
        return [*self.role(function), *self._bucket_denies]

    def role(self, function: str) -> list[Statement]:
        """What the function's own policies say; logs and traces are AWS's managed policies'."""
        return [
            Statement.parse(self.resolve(one)) for one in role_statements(self.document, function)
        ]

    def destinations(self, function: str) -> list[str]:
        """Where Lambda itself sends what the function could not handle, under its role."""
        return [
            self.resolve(config["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])
            for config in self.document["Resources"].values()
            if config["Type"] in {"AWS::Lambda::EventInvokeConfig", MAPPING}
            and config["Properties"]["FunctionName"] == {"Ref": function}
        ]

    def streams(self, function: str) -> list[str]:
        """The streams that Lambda reads for the function, under its role."""
        return [
            self.resolve(mapping["Properties"]["EventSourceArn"])
            for mapping in self.document["Resources"].values()
            if mapping["Type"] == MAPPING
            and mapping["Properties"]["FunctionName"] == {"Ref": function}
        ]

    @cached_property
    def _bucket_denies(self) -> list[Statement]:
        return [
            Statement.parse(self.resolve(statement))
            for resource in self.document["Resources"].values()
            if resource["Type"] == "AWS::S3::BucketPolicy"
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        ]

    def table_arn(self, name: str) -> str:
        """A table's ARN by its name."""
        return self.made[name]["Arn"]

    def partition_key(self, table: str, index: str | None) -> str:
        properties = self.document["Resources"][table]["Properties"]
        schemas = {
            one["IndexName"]: one["KeySchema"]
            for one in properties.get("GlobalSecondaryIndexes", ())
        }
        schema = schemas[index] if index else properties["KeySchema"]
        return str(next(key["AttributeName"] for key in schema if key["KeyType"] == "HASH"))

    @cached_property
    def key_names(self) -> dict[str, set[str]]:
        """The names in each table's primary key, by its ARN."""
        return {
            self.table_arn(name): {key["AttributeName"] for key in table["Properties"]["KeySchema"]}
            for name, table in self.document["Resources"].items()
            if table["Type"] == "AWS::DynamoDB::Table"
        }

    def bucket_key(self, bucket: str) -> str:
        """The ARN of the KMS key that a bucket encrypts with."""
        properties = self.resolve(self.document["Resources"][self._named(bucket)]["Properties"])
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        return str(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])

    def _named(self, physical: str) -> str:
        return next(name for name, names in self.made.items() if names["Ref"] == physical)


def role_statements(document: Mapping[str, Any], function: str) -> list[dict[str, Any]]:
    """The statements of a function's role, intrinsics and all."""
    role = document["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]
    return [
        statement
        for policy in document["Resources"][role]["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


# --- one of each type that functions call ---------------------------------------------------------


def _client(service: str) -> Any:
    make_client: Any = boto3.client  # by a name that is not a literal
    return make_client(service, region_name=REGION)


def _table(name: str, properties: Mapping[str, Any]) -> Names:
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    given = {field: properties[field] for field in wanted if field in properties}
    made = _client("dynamodb").create_table(TableName=name, **given)["TableDescription"]
    stream = f"{made['TableArn']}/stream/2026-01-02T03:04:05.678"
    return {"Ref": name, "Arn": made["TableArn"], "StreamArn": stream}


def _key(_: str, properties: Mapping[str, Any]) -> Names:
    wanted = {field: properties[field] for field in ("KeySpec", "KeyUsage") if field in properties}
    made = _client("kms").create_key(**wanted)["KeyMetadata"]
    return {"Ref": made["KeyId"], "Arn": made["Arn"]}


def _secret(name: str, properties: Mapping[str, Any]) -> Names:
    generated = json.dumps({"key": f"test {name}"})
    text = properties.get("SecretString", generated)
    made = _client("secretsmanager").create_secret(Name=name, SecretString=text)
    return {"Ref": made["ARN"], "Id": made["ARN"]}


def _bucket(name: str, _: Mapping[str, Any]) -> Names:
    bucket = name.lower()
    place = {"LocationConstraint": REGION}
    _client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    return {"Ref": bucket, "Arn": f"arn:aws:s3:::{bucket}"}


def _configuration_set(_: str, properties: Mapping[str, Any]) -> Names:
    _client("sesv2").create_configuration_set(ConfigurationSetName=properties["Name"])
    return {"Ref": properties["Name"]}


def _parameter(_: str, properties: Mapping[str, Any]) -> Names:
    wanted = {field: properties[field] for field in ("Name", "Type", "Value")}
    _client("ssm").put_parameter(**wanted)
    return {"Ref": properties["Name"]}


def _state_machine(name: str, _: Mapping[str, Any]) -> Names:
    made = _client("stepfunctions").create_state_machine(
        name=name,
        definition='{"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/any",
    )["stateMachineArn"]
    return {"Ref": made, "Arn": made}


_MAKERS: dict[str, Callable[[str, Mapping[str, Any]], Names]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::KMS::Key": _key,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::S3::Bucket": _bucket,
    "AWS::SES::ConfigurationSet": _configuration_set,
    "AWS::SSM::Parameter": _parameter,
    "AWS::StepFunctions::StateMachine": _state_machine,
}
