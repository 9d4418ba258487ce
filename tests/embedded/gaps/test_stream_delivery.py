"""Event source mappings of DynamoDB streams: what the function gets, how often, in which order."""

import json
import re
import time

import pytest

from tests.embedded.gaps import streaming

pytestmark = pytest.mark.embedded


def test_a_record_is_shaped_as_on_aws(reader, streamed, write):
    reader.maps(streamed[1])
    write("a", "1", colour="red")
    reader.wait_for("1")
    ((record,),) = reader.batches()
    change = record.pop("dynamodb")
    assert re.fullmatch("[0-9a-f]{32}", record.pop("eventID"))
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": streamed[1],
    }
    assert 0 <= time.time() - change.pop("ApproximateCreationDateTime") < 3600
    number = change.pop("SequenceNumber")
    assert 21 <= len(number) <= 40
    assert str(int(number)) == number
    assert change.pop("SizeBytes") > 0
    assert change == {
        "Keys": streaming.key("a", "1"),
        "NewImage": streaming.item("a", "1", colour="red"),
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_a_key_is_read_in_order_and_a_failing_one_stops_no_other(reader, streamed, write):
    reader.asks("first")
    reader.maps(streamed[1], BatchSize=2)
    write("failing", "first", "second", "third")
    others = [f"{key}.{n}" for key in range(8) for n in range(5)]
    for other in others:
        write(other.partition(".")[0], other)
    while not set(others) & {one for batch in reader.sort_keys() for one in batch}:
        time.sleep(0.02)
    assert all(
        batch[0] == "first" for batch in reader.sort_keys() if {"second", "third"} & {*batch}
    )
    reader.asks()
    handled = [one for batch in reader.wait_for("third", *others) for one in batch]
    assert len(set(handled)) == len(others) + 3
    for key in range(8):
        of_key = [one for one in handled if one.startswith(f"{key}.")]
        assert list(dict.fromkeys(of_key)) == [f"{key}.{n}" for n in range(5)]


def test_a_key_is_read_by_one_call_at_a_time_and_other_keys_beside_it(reader, streamed, write):
    others = [str(n) for n in range(8)]
    reader.maps(streamed[1])
    reader.hold()
    write("busy", "first")
    reader.wait_for("first")
    write("busy", "second")
    for other in others:
        write(other, other)
    while not set(others) & {one for batch in reader.sort_keys() for one in batch}:
        time.sleep(0.02)
    assert "second" not in [one for batch in reader.sort_keys() for one in batch]
    reader.let_go()
    reader.wait_for("second", *others)


def test_a_batch_goes_on_at_the_record_that_the_function_reports(reader, streamed, write):
    write("a", *"1234")
    reader.asks("3", by="reporting")
    reader.maps(streamed[1], FunctionResponseTypes=["ReportBatchItemFailures"])
    while len(reader.sort_keys()) < 3:
        time.sleep(0.02)
    reader.asks()
    write("a", "5")
    keys = reader.wait_for("5")
    assert keys[0] == [*"1234"]
    assert all(batch == ["3", "4"] for batch in keys[1:-1])
    assert keys[-1] == ["5"]


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": "of another batch"}]},
        {"batchItemFailures": [{"wrong": "1"}]},
    ],
)
def test_an_answer_that_names_no_record_repeats_them_all(reader, streamed, write, answer):
    write("a", *"12")
    reader.asks(answer=answer)
    reader.maps(streamed[1], FunctionResponseTypes=["ReportBatchItemFailures"])
    while len(reader.sort_keys()) < 2:
        time.sleep(0.02)
    assert reader.sort_keys()[1] == ["1", "2"]


def test_a_failing_batch_is_halved_until_the_bad_record_is_alone(reader, streamed, write):
    write("a", *"1234")
    reader.asks("3")
    reader.maps(streamed[1], BisectBatchOnFunctionError=True)
    while reader.sort_keys().count(["3"]) < 2:
        time.sleep(0.02)
    keys = reader.sort_keys()
    assert keys[:4] == [[*"1234"], ["1", "2"], ["3", "4"], ["3"]]
    assert ["4"] not in keys
    reader.asks()
    reader.wait_for("4")
    while ["4"] not in reader.sort_keys():
        time.sleep(0.02)


def test_what_fails_too_often_is_given_up_and_sent_to_the_queue(reader, streamed, write):
    queue = {"QueueUrl": reader.aws.client("sqs").create_queue(QueueName=reader.name)["QueueUrl"]}
    arn = f"arn:aws:sqs:us-east-1:000000000000:{reader.name}"
    write("a", *"12")
    reader.asks("1")
    reader.maps(
        streamed[1],
        BatchSize=1,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    assert reader.wait_for("2") == [["1"], ["1"], ["1"], ["2"]]
    (message,) = reader.aws.client("sqs").receive_message(**queue)["Messages"]
    given_up = json.loads(message["Body"])
    assert given_up["requestContext"]["condition"] == "RetryAttemptsExhausted"
    number = reader.batches()[0][0]["dynamodb"]["SequenceNumber"]
    assert given_up["DDBStreamBatchInfo"]["startSequenceNumber"] == number
    assert given_up["DDBStreamBatchInfo"]["streamArn"] == streamed[1]


def test_filters_are_those_of_eventbridge(reader, streamed, write):
    pattern = {
        "eventName": ["INSERT"],
        "dynamodb": {
            "Keys": {"pk": {"S": [{"prefix": "EVENT#"}]}},
            "NewImage": {
                "$or": [
                    {"kind": {"S": [{"wildcard": "PAID*"}]}},
                    {"kind": {"S": [{"equals-ignore-case": "refunded"}]}},
                ]
            },
        },
    }
    reader.maps(streamed[1], FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    write("OTHER#1", "1", kind="PAID")
    write("EVENT#1", "2", kind="PAID_BY_CARD")
    write("EVENT#1", "2", kind="PAID_BY_NOBODY")  # a MODIFY
    write("EVENT#1", "3", kind="SEEN")
    write("EVENT#1", "4", kind="Refunded")
    keys = reader.wait_for("4")
    assert [one for batch in keys for one in batch] == ["2", "4"]


def test_it_tells_how_old_the_records_were(reader, streamed, write):
    reader.maps(streamed[1])
    write("a", "1")
    reader.wait_for("1")
    metric = reader.aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="IteratorAge",
        Dimensions=[{"Name": "FunctionName", "Value": reader.name}],
        StartTime=time.time() - 3600,
        EndTime=time.time() + 60,
        Period=3600 * 2,
        Statistics=["SampleCount", "Maximum"],
    )
    (point,) = metric["Datapoints"]
    assert point["SampleCount"] == 1
    assert 0 <= point["Maximum"] < 3_600_000


def test_what_was_not_handled_is_kept_with_the_state(tmp_path):
    def put(aws, sk):
        aws.client("dynamodb").put_item(TableName=table, Item=streaming.item("a", sk))

    with streaming.stack(state=tmp_path / "state") as aws:
        table, stream = streaming.create_table(aws)
        reader = streaming.Reader(aws, tmp_path)
        reader.create(streaming.create_role(aws, managed=[streaming.READING]))
        reader.asks("2")
        reader.maps(stream)
        put(aws, "1")
        reader.wait_for("1")
        put(aws, "2")
        reader.wait_for("2")
    before = len(reader.sort_keys())
    reader.asks()
    with streaming.stack(state=tmp_path / "state") as aws:
        put(aws, "3")
        after = reader.wait_for("3")[before:]
    assert [one for batch in after for one in batch] == ["2", "3"]
