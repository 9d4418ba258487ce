"""tests/vectors/stored_items.json, put into an account on moto as it was written."""

import json
from typing import Any

import boto3
from moto.kms.models import kms_backends

from tests.support.dynamodb_json import Item, from_json
from tests.support.template import ROOT

REGION = "eu-west-1"
MOST_PER_BATCH = 25
DUMP: dict[str, Any] = json.loads((ROOT / "tests/vectors/stored_items.json").read_text())


def load(card_key_arn: str) -> dict[str, Any]:
    """Store every item, give the secrets their values, and the key its ARN and material.

    Returns what the owners of the items know of them.
    """
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    for table, items in DUMP["tables"].items():
        for first in range(0, len(items), MOST_PER_BATCH):
            some = items[first : first + MOST_PER_BATCH]
            puts: Any = [{"PutRequest": {"Item": from_json(item)}} for item in some]
            dynamodb.batch_write_item(RequestItems={table: puts})
    secrets = boto3.client("secretsmanager", region_name=REGION)
    for name, key in DUMP["secrets"].items():
        secrets.put_secret_value(SecretId=name, SecretString=json.dumps({"key": key}))
    _rename_key(card_key_arn, DUMP["kmsKey"]["arn"], bytes.fromhex(DUMP["kmsKey"]["material"]))
    told: dict[str, Any] = DUMP["told"]
    return told


def _rename_key(made: str, arn: str, material: bytes) -> None:
    """What was wrapped elsewhere is unwrapped here: moto offers no way in but its insides."""
    keys = kms_backends[arn.split(":")[4]][REGION].keys
    key = keys.pop(made.rpartition("/")[2])
    key.id, key.arn, key.key_material = arn.rpartition("/")[2], arn, material
    keys[key.id] = key


def scan(table: str) -> list[Item]:
    """Every item of a table, as DynamoDB has it."""
    pages: Any = boto3.client("dynamodb", region_name=REGION).get_paginator("scan")
    return [item for page in pages.paginate(TableName=table) for item in page["Items"]]
