"""What a partition refuses for lack of units is asked again, and is no lost race."""

import botocore.client
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pynamodb.exceptions import PynamoDBException

from cardvault.aws import retries, tables
from cardvault.aws.failures import as_cardvault_error
from cardvault.aws.retries import LostRace
from cardvault.aws.service_errors import is_transient
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.errors import AwsUnavailable
from cardvault.sealing.store import DataKeyRecord, SealedPage, page_key
from tests.support.capacity import throttled

ORDER = "b" * 24
ABSENT = SealedPage.order_id.does_not_exist()
ALONE = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
]
IN_TRANSACTIONS = ["ProvisionedThroughputExceeded", "ThrottlingError"]


def page(number=0):
    return SealedPage(ORDER, page_key(number), sealed_cards=b"page", attempt=1)


def committed():
    work = UnitOfWork()
    work.save(page(5), ABSENT)
    work.save(page(6), ABSENT)
    work.commit()


REQUESTS = {
    "find": lambda: tables.find(SealedPage, ORDER, page_key(0)),
    "read_all": lambda: list(tables.read_all(SealedPage.query(ORDER))),
    "put": lambda: tables.put(page(1), ABSENT),
    "delete": lambda: tables.delete(page(0), SealedPage.attempt <= 1),
    "update": lambda: tables.update(page(), [SealedPage.attempt.set(2)], SealedPage.attempt <= 1),
    "fetch": lambda: tables.fetch(lambda get: get.get(SealedPage, ORDER, page_key(0))),
    "commit": committed,
}


def alone(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutItem")


def canceled(*codes):
    reasons = [{"Code": code} for code in codes]
    error = {"Code": "TransactionCanceledException", "Message": "no"}
    return ClientError({"Error": error, "CancellationReasons": reasons}, "TransactWriteItems")


@pytest.fixture
def refuse(steps, monkeypatch):
    """Refuse the next calls with these errors; hands back how long was waited each time."""
    page().save()
    real = botocore.client.BaseClient._make_api_call

    def refusing(errors):
        pauses, left = [], list(errors)

        def call(client, operation, arguments):
            if left:
                raise left.pop()
            return real(client, operation, arguments)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        monkeypatch.setattr(retries, "sleep", pauses.append)
        return pauses

    return refusing


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_refused_request_is_made_again(refuse, request_name):
    pauses = refuse([alone(code) for code in ALONE])
    REQUESTS[request_name]()
    assert len(pauses) == len(ALONE)


@pytest.mark.parametrize("request_name", ["fetch", "commit"])
def test_a_transaction_canceled_for_lack_of_units_is_made_again(refuse, request_name):
    refusals = [
        canceled(*codes)
        for code in IN_TRANSACTIONS
        for codes in (("None", code), ("TransactionConflict", code))
    ]
    pauses = refuse(refusals)
    REQUESTS[request_name]()
    assert len(pauses) == len(refusals)


@pytest.mark.parametrize("request_name", REQUESTS)
def test_i13_it_is_given_up_in_time_as_aws_being_unavailable(refuse, request_name):
    pauses = refuse([alone("ThrottlingException")] * retries.THROTTLED_TRIES)
    with pytest.raises(PynamoDBException) as given_up:
        REQUESTS[request_name]()
    assert isinstance(as_cardvault_error(given_up.value), AwsUnavailable)
    assert len(pauses) == retries.THROTTLED_TRIES - 1
    assert sum(pauses) < 6
    for number, pause in enumerate(pauses):
        assert 0 <= pause <= min(1.0, 0.05 * 2**number)


def test_the_pauses_are_jittered(refuse):
    pauses = refuse([alone("ThrottlingException")] * 9)
    REQUESTS["find"]()
    assert len(set(pauses)) == len(pauses)


def test_a_failed_condition_is_a_lost_race_whatever_else_is_wrong(refuse):
    pauses = refuse([canceled("ConditionalCheckFailed", "ThrottlingError")])
    with pytest.raises(LostRace):
        committed()
    assert pauses == []


@pytest.mark.parametrize("request_name", REQUESTS)
def test_what_will_not_get_better_is_not_made_again(refuse, request_name):
    pauses = refuse([alone("ValidationException")])
    with pytest.raises(PynamoDBException):
        REQUESTS[request_name]()
    assert pauses == []


@pytest.mark.parametrize(
    "write",
    [
        lambda: tables.put(page(0), ABSENT),
        lambda: tables.delete(page(0), SealedPage.attempt < 1),
        lambda: tables.update(page(0), [SealedPage.attempt.set(2)], SealedPage.attempt < 1),
    ],
    ids=["put", "delete", "update"],
)
def test_a_condition_that_fails_is_a_lost_race(refuse, write):
    with pytest.raises(LostRace):
        write()


@pytest.mark.parametrize("request_name", ["put", "delete", "update", "commit"])
def test_a_write_without_an_answer_is_aws_s_failing_and_no_lost_race(refuse, request_name):
    refuse([ReadTimeoutError(endpoint_url="https://nobody.invalid")])
    with pytest.raises(PynamoDBException) as failed:
        REQUESTS[request_name]()
    assert is_transient(failed.value)


def test_a_query_goes_on_after_the_page_it_was_refused(steps, monkeypatch):
    for number in range(5):
        SealedPage(ORDER, page_key(number), sealed_cards=b"x" * 350_000, attempt=1).save()
    real, made = botocore.client.BaseClient._make_api_call, []

    def call(client, operation, arguments):
        made.append(operation)
        if len(made) == 2:
            raise throttled(operation, 0)
        return real(client, operation, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
    monkeypatch.setattr(retries, "sleep", lambda _: None)
    found = [stored.sort_key for stored in tables.read_all(SealedPage.query(ORDER))]
    assert found == [page_key(number) for number in range(5)]
    assert len(made) > 3


def test_nothing_is_found_where_nothing_is(steps):
    assert tables.find(DataKeyRecord, ORDER) is None
    assert tables.find(SealedPage, ORDER, page_key(9)) is None
