"""What follows when a batch of a stream fails, by the settings of its mapping."""

import pytest

from local.emulator.stream_batches import (
    Batch,
    Record,
    Settings,
    handled,
    reason_to_give_up,
    to_be_repeated,
)

RECORDS = tuple(
    Record(n, {"dynamodb": {"SequenceNumber": str(100 + n), "ApproximateCreationDateTime": 50 + n}})
    for n in range(4)
)
BISECTING = {"BisectBatchOnFunctionError": True}


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        (None, 4),
        ({}, 4),
        ("done", 4),
        ({"batchItemFailures": None}, 4),
        ({"batchItemFailures": []}, 4),
        ({"batchItemFailures": [{"itemIdentifier": "103"}, {"itemIdentifier": "102"}]}, 2),
        ({"batchItemFailures": [{"itemIdentifier": "103"}, {"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": ["103"]}, 0),
    ],
)
def test_the_first_failure_named_is_where_it_goes_on(answer, count):
    assert handled(Batch(RECORDS), answer) == count


@pytest.mark.parametrize(
    ("settings", "done", "repeated"),
    [
        ({}, 0, [Batch(RECORDS, 2)]),
        ({}, 3, [Batch(RECORDS[3:], 2)]),
        (BISECTING, 0, [Batch(RECORDS[:2], 1), Batch(RECORDS[2:], 1)]),
        (BISECTING, 1, [Batch(RECORDS[1:], 1)]),
    ],
)
def test_a_cut_is_no_retry_and_everything_else_is(settings, done, repeated):
    assert to_be_repeated(Batch(RECORDS, 1), done, Settings.of(settings)) == repeated


def test_a_record_alone_cannot_be_cut():
    alone = Batch(RECORDS[:1])
    assert to_be_repeated(alone, 0, Settings.of(BISECTING)) == [Batch(RECORDS[:1], 1)]


@pytest.mark.parametrize(
    ("settings", "failures", "reason"),
    [
        ({}, 9999, None),
        ({"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1}, 9999, None),
        ({"MaximumRetryAttempts": 2}, 2, None),
        ({"MaximumRetryAttempts": 2}, 3, "RetryAttemptsExhausted"),
        ({"MaximumRetryAttempts": 0}, 1, "RetryAttemptsExhausted"),
        ({"MaximumRecordAgeInSeconds": 60}, 1, None),
        ({"MaximumRecordAgeInSeconds": 59}, 1, "MaxRecordAgeExceeded"),
    ],
)
def test_a_batch_is_given_up_for_its_retries_or_its_age(settings, failures, reason):
    assert reason_to_give_up(Batch(RECORDS, failures), Settings.of(settings), now=110) == reason
