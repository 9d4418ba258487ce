"""Streams: what the emulator does well by itself, and still does with the gaps filled."""

import pytest
from botocore.exceptions import ClientError

from tests.embedded.gaps import streaming
from tests.embedded.gaps.streaming import item, key, stream_records

pytestmark = pytest.mark.embedded


def test_each_write_is_one_record_of_the_stream(guarded_streams, streamed):
    (table, stream), dynamodb = streamed, guarded_streams.client("dynamodb")
    here = {"TableName": table}
    changed = {
        "UpdateExpression": "SET colour = :colour",
        "ExpressionAttributeValues": {":colour": {"S": "blue"}},
    }
    dynamodb.put_item(Item=item("a", "1"), **here)
    dynamodb.update_item(Key=key("a", "1"), **changed, **here)
    dynamodb.update_item(Key=key("a", "2"), **changed, **here)
    puts = [{"PutRequest": {"Item": item("a", "3")}}, {"DeleteRequest": {"Key": key("a", "2")}}]
    dynamodb.batch_write_item(RequestItems={table: puts})
    transaction = [
        {"Put": {"Item": item("a", "4"), **here}},
        {"Update": {"Key": key("a", "3"), **changed, **here}},
        {"Delete": {"Key": key("a", "1"), **here}},
        {
            "ConditionCheck": {
                "Key": key("a", "9"),
                "ConditionExpression": "attribute_not_exists(pk)",
                **here,
            }
        },
    ]
    for _once_more in range(2):  # with the same token nothing is written again
        dynamodb.transact_write_items(TransactItems=transaction, ClientRequestToken="one")
    dynamodb.delete_item(Key=key("a", "4"), **here)

    records = [
        (record["eventName"], record["dynamodb"])
        for record in stream_records(guarded_streams, stream)
    ]
    assert [(name, change.get("OldImage"), change.get("NewImage")) for name, change in records] == [
        ("INSERT", None, item("a", "1")),
        ("MODIFY", item("a", "1"), item("a", "1", colour="blue")),
        ("INSERT", None, item("a", "2", colour="blue")),
        ("INSERT", None, item("a", "3")),
        ("REMOVE", item("a", "2", colour="blue"), None),
        ("INSERT", None, item("a", "4")),
        ("MODIFY", item("a", "3"), item("a", "3", colour="blue")),
        ("REMOVE", item("a", "1", colour="blue"), None),
        ("REMOVE", item("a", "4"), None),
    ]
    numbers = [int(change["SequenceNumber"]) for _name, change in records]
    assert numbers == sorted(set(numbers))


def test_what_writes_nothing_is_no_record_of_the_stream(guarded_streams, streamed):
    (table, stream), dynamodb = streamed, guarded_streams.client("dynamodb")
    here = {"TableName": table}
    absent = {"ConditionExpression": "attribute_not_exists(pk)"}
    dynamodb.put_item(Item=item("a", "1"), **here)
    dynamodb.put_item(Item=item("a", "1"), **here)  # changes nothing
    dynamodb.delete_item(Key=key("a", "2"), **here)  # there is none
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        dynamodb.put_item(Item=item("a", "1", colour="red"), **absent, **here)
    entries = [
        {"Put": {"Item": item("a", "3"), **here}},
        {"Put": {"Item": item("a", "1", colour="red"), **absent, **here}},
    ]
    with pytest.raises(ClientError, match="TransactionCanceled"):
        dynamodb.transact_write_items(TransactItems=entries)
    (record,) = stream_records(guarded_streams, stream)
    assert record["eventName"] == "INSERT"


def test_a_writer_does_not_wait_for_the_function(reader, streamed, write):
    reader.maps(streamed[1])
    reader.hold()
    write("a", "1")
    reader.wait_for("1")
    write("a", "2")  # while the function still has the first
    reader.let_go()
    assert reader.wait_for("2") == [["1"], ["2"]]


def test_a_stream_and_its_reader_come_with_an_update(deploy, guarded_streams, tmp_path):
    reader = streaming.Reader(guarded_streams, tmp_path)
    table = deploy(streaming.template(streaming.TABLE))["Table"]
    dynamodb = guarded_streams.client("dynamodb")
    dynamodb.put_item(TableName=table, Item=streaming.item("a", "before"))
    outputs = deploy(streaming.template(streaming.STREAMED, streaming.FULL, tmp_path))
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert described["LatestStreamArn"] == outputs["Stream"]

    mapping = guarded_streams.client("lambda").get_event_source_mapping(UUID=outputs["Mapping"])
    wanted = {name: value for name, value in streaming.FULL.items() if name != "Stream"}
    wanted["DestinationConfig"] = {"OnFailure": {"Destination": outputs["Queue"]}}
    assert {name: mapping[name] for name in wanted} == wanted
    assert mapping["EventSourceArn"] == outputs["Stream"]
    assert mapping["FunctionArn"].endswith(":live")

    dynamodb.put_item(TableName=table, Item=streaming.item("a", "1"))
    dynamodb.put_item(TableName=table, Item=streaming.item("a", "1", colour="red"))
    dynamodb.put_item(TableName=table, Item=streaming.item("a", "2"))
    sort_keys = [one for batch in reader.wait_for("2") for one in batch]
    assert sort_keys == ["1", "2"]
