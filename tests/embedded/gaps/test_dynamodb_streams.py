"""DynamoDB streams: what expires is recorded too."""

import os
import threading
import time
import uuid

import pytest
from ministack.services import dynamodb

from local.emulator import dynamodb_streams

pytestmark = pytest.mark.embedded


class OneRound:
    """The time for a loop that begins every round with a pause: it ends at the second pause."""

    def __init__(self):
        self.pauses = 0

    def sleep(self, _seconds):
        self.pauses += 1
        if self.pauses > 1:
            raise StopIteration

    def __getattr__(self, name):
        return getattr(time, name)


@pytest.fixture
def filled(monkeypatch):
    for name in ("_remove_item", "_build_change_record", "get_state", "_restore_state"):
        monkeypatch.setattr(dynamodb, name, getattr(dynamodb, name))
    if not os.environ.get("EMULATOR_STOCK"):
        dynamodb_streams.fill_gaps()


def test_an_item_that_expires_is_removed_by_dynamodb_itself(filled, monkeypatch):
    here = {"TableName": f"table-{uuid.uuid4()}"}
    dynamodb._create_table(
        {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            **here,
        }
    )
    expiry = {"AttributeName": "expiresAt", "Enabled": True}
    dynamodb._update_ttl({"TimeToLiveSpecification": expiry, **here})
    expired = {"pk": {"S": "1"}, "expiresAt": {"N": "1"}}
    kept = {"pk": {"S": "2"}, "expiresAt": {"N": "99999999999"}}
    for item in (expired, kept):
        dynamodb._put_item({"Item": item, **here})
    dynamodb._delete_item({"Key": {"pk": {"S": "2"}}, **here})
    monkeypatch.setattr(dynamodb, "time", OneRound())
    monkeypatch.setattr(threading.current_thread(), "name", dynamodb_streams.REAPER)
    with pytest.raises(StopIteration):
        dynamodb._ttl_reaper()
    *_puts, deleted, removed = dynamodb.stream_live_records(here["TableName"])
    assert (deleted["eventName"], deleted.get("userIdentity")) == ("REMOVE", None)
    assert removed["eventName"] == "REMOVE"
    assert removed["dynamodb"]["OldImage"] == expired
    assert removed["userIdentity"] == {
        "type": "Service",
        "principalId": "dynamodb.amazonaws.com",
    }
