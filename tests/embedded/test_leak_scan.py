"""I1: the canary scan. Unique codes through every path at DEBUG, then a search of everything.

The supplier stamps this module's codes with a prefix of their own; nothing that the stack keeps
may hold it, in none of the disguises that tests/unit/test_leak_scan.py has. That the scan looks
everywhere is proved by planted leaks.
"""

import base64
import uuid
from urllib.parse import quote

import pytest
import requests

from local.cardvault import running
from local.leak_scan import LeakScan, files_under
from tests.support.claiming import ordered

PREFIX = f"CANARY+{uuid.uuid4().hex[:12]}"
PATHS = [
    ("PSN-500", "fulfilled"),
    ("TEST_PARTIAL", "partially_filled"),
    ("TEST_REFUND", "refunded"),
    ("FAULT_MALFORMED_JSON:2", "fulfilled"),
    ("FAULT_DUPLICATE_CODES", "attention"),
    ("FAULT_ERROR_AFTER_COMMIT", "fulfilled"),
    ("FAULT_UNKNOWN_STATUS:2", "fulfilled"),
]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A stack that has seen every path, its codes, and what it kept when it stopped."""
    state = tmp_path_factory.mktemp("state")
    settings = {"PERSIST_STATE": "1", "S3_PERSIST": "1", "STATE_DIR": str(state)}
    settings["S3_DATA_DIR"] = str(state / "s3")
    result = {"state": state}
    with running(parameters={"LogLevel": "DEBUG"}, settings=settings, handling_s=1.0) as vault:
        vault.supplier.canary(PREFIX)
        result["levels"] = levels(vault)
        shop = vault.shop()
        alice, bob = shop.user("alice"), shop.user("bob")
        result["codes"] = drive(vault, alice, bob)
        search = LeakScan(result["codes"])
        kept = dict(search.places(vault.stack))
        result["hits"] = {place: search.hits(texts) for place, texts in kept.items()}
        result["sizes"] = {place: len(texts) for place, texts in kept.items()}
        plant(vault, "PLANTED-CODE-0123456789")
        planted = LeakScan(["PLANTED-CODE-0123456789"])
        result["planted"] = {
            place: planted.hits(texts) for place, texts in planted.places(vault.stack)
        }
    return result


def levels(vault):
    """The log level of each function."""
    pages = vault.stack.client("lambda").get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    return {function["LoggingConfig"].get("ApplicationLogLevel") for function in functions}


def drive(vault, alice, bob):
    """Every path; returns all codes and serials that the supplier sold."""
    orders = []
    for type_id, status in PATHS:
        product = uuid.uuid4().hex[:24]
        made = alice.order(uuid.uuid4().hex, productId=product, typeId=type_id, quantity=4)
        orders.append((made.json()["orderId"], status))
    for order_id, status in orders:
        assert alice.settled(order_id)["status"] == status
        alice.get(order_id, "/cards")
        bob.get(order_id, "/cards")
        alice.get(order_id, "/audit")
    deliver(vault, alice)
    sold = [card for o in vault.supplier.orders() for card in vault.supplier.codes(o["orderId"])]
    assert len(sold) >= 4 * (len(PATHS) - 2)
    return [text for card in sold for text in card.values() if text]


def deliver(vault, alice):
    """Mail, wrong and right codes, the cards, a file each way, and links that are over."""
    customer = ordered(vault, alice, name="Ada", locale="ar")
    token = customer.token
    customer.post("redeem", token, code="000000")
    cookie = customer.claim()
    assert customer.post("cards", token, cookie=cookie).status_code == 200
    made = customer.post("downloads", token, cookie=cookie, format="csv").json()
    mine = alice.call("POST", f"/api/orders/{customer.order_id}/downloads", json={}).json()
    for address in (made["downloadUrl"], mine["downloadUrl"], mine["downloadUrl"]):
        requests.get(vault.api_url + address, timeout=30)
    customer.post("cards", token)
    customer.post("renew", token)
    # What the emulator writes to disk is not encrypted, so the files must be gone before it stops.
    s3, bucket = vault.stack.client("s3"), vault.stack.outputs["DownloadsBucket"]
    files = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert len(files) == 2
    for item in files:
        s3.delete_object(Bucket=bucket, Key=item["Key"])


def plant(vault, code):
    """One leak in each place, each in another disguise."""
    stack = vault.stack
    stack.client("dynamodb").put_item(
        TableName=stack.outputs["OrdersTable"],
        Item={
            "orderId": {"S": "planted"},
            "sk": {"S": "ORDER"},
            "blob": {"B": b"\x00" + base64.b64encode(b"x" + code.encode()) + b"\xff"},
        },
    )
    stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.outputs["StateMachineArn"],
        input=f'{{"orderId": "{quote(code)}"}}',
    )
    s3 = stack.client("s3")
    s3.create_bucket(Bucket="planted")
    s3.put_object(Bucket="planted", Key="x", Body=code.encode().hex().upper().encode())
    stack.client("secretsmanager").create_secret(Name="planted", SecretString=code)
    logs = stack.client("logs")
    group = "/aws/lambda/planted"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="x")
    event = {"timestamp": 1_793_275_200_000, "message": f'"{code.lower()}"'}
    logs.put_log_events(logGroupName=group, logStreamName="x", logEvents=[event])


def test_every_function_was_at_debug(scanned):
    assert scanned["levels"] == {"DEBUG"}


@pytest.mark.parametrize(
    "place",
    [
        "Lambda logs, at their level",
        "the emulator's own log",
        "workflow inputs, outputs and history",
        "DynamoDB items, every table",
        "S3 objects",
        "secrets",
        "queued messages and mails",
    ],
)
def test_no_code_lies_anywhere(scanned, place):
    assert scanned["hits"][place] == []


def test_the_state_that_the_emulator_kept_holds_no_code(scanned):
    kept = files_under(scanned["state"])
    assert kept
    assert LeakScan(scanned["codes"]).hits(kept) == []


def test_the_scan_looked_at_something(scanned):
    assert scanned["sizes"]["Lambda logs, at their level"] > 100
    assert scanned["sizes"]["workflow inputs, outputs and history"] > 50
    assert scanned["sizes"]["DynamoDB items, every table"] > 50


@pytest.mark.parametrize(
    "place",
    [
        "Lambda logs, at their level",
        "workflow inputs, outputs and history",
        "DynamoDB items, every table",
        "S3 objects",
        "secrets",
    ],
)
def test_the_scan_finds_a_planted_leak(scanned, place):
    assert scanned["planted"][place]


def test_a_planted_leak_is_found_in_the_kept_state_too(scanned):
    assert LeakScan(["PLANTED-CODE-0123456789"]).hits(files_under(scanned["state"]))
