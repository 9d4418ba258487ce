"""Downloads: one exchange of a token, a file for minutes, an address for one."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from cardvault.aws.failures import as_cardvault_error
from cardvault.aws.rounds import TIME_BUDGET, Round
from cardvault.claims.claim import ClaimRequest
from cardvault.downloads.bucket import Swept
from cardvault.downloads.downloads import check_request
from cardvault.errors import (
    AwsUnavailable,
    CardsShredded,
    DownloadExpired,
    InternalError,
    InvalidRequest,
    LinkUnusable,
    OrderNotFound,
    OrderNotFulfilled,
)
from cardvault.orders.shred import shred_cards
from tests.support.delivery import ORIGIN
from tests.support.doubles import caller

KEY = "k" * 40


@pytest.fixture
def stored(steps):
    return steps.stored_order()


def make(desk, order_id, file_format="txt"):
    return desk.create.for_owner(order_id, file_format, caller()).token


def swept_at(bucket, moment):
    return bucket.sweep(Round.of(TIME_BUDGET, lambda: moment))


def objects(desk):
    found = desk.steps.cloud.client("s3").list_objects_v2(Bucket="downloads")
    return [item["Key"] for item in found.get("Contents", [])]


def test_a_token_becomes_an_address_for_a_minute_that_names_the_file(desk, stored):
    address = urlsplit(desk.download(make(desk, stored), None, ORIGIN))
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert int(query["X-Amz-Expires"]) <= 60
    key = unquote(address.path).rpartition("downloads/")[2]
    file = desk.steps.cloud.client("s3").head_object(Bucket="downloads", Key=f"downloads/{key}")
    assert f'attachment; filename="cards-{stored}.txt"; ' in file["ContentDisposition"]
    assert query["response-cache-control"] == "no-store"


def test_i5_a_token_works_once(desk, stored):
    token = make(desk, stored)
    desk.download(token, None, ORIGIN)
    with pytest.raises(DownloadExpired, match="Download link expired"):
        desk.download(token, None, ORIGIN)
    assert desk.events(stored)[-3:] == ["DOWNLOAD_CREATED", "CARDS_DELIVERED", "DOWNLOAD_REFUSED"]
    assert desk.order(stored).downloaded_at


@pytest.mark.parametrize("token", ["A" * 43, "", "../../etc/passwd", "x" * 5000])
def test_an_unknown_token_gets_the_same_answer(desk, token):
    with pytest.raises(DownloadExpired, match="Download link expired"):
        desk.download(token, None, ORIGIN)


@pytest.mark.parametrize("how", ["unknown", "used", "expired", "shredded"])
def test_i6_a_download_that_is_over_gets_the_same_answer_equally_late(desk, stored, how):
    token = "A" * 43 if how == "unknown" else make(desk, stored)
    if how == "used":
        desk.download(token, None, ORIGIN)
    elif how == "expired":
        desk.clock.advance(minutes=5)
    elif how == "shredded":
        shred_cards(stored, caller(), clock=desk.clock)
    assert desk.waits.seconds == []
    with pytest.raises(DownloadExpired, match="Download link expired"):
        desk.download(token, None, ORIGIN)
    assert desk.waits.seconds == [0.3]


def test_a_token_is_over_after_five_minutes(desk, stored):
    token = make(desk, stored)
    desk.clock.advance(minutes=5)
    with pytest.raises(DownloadExpired):
        desk.download(token, None, ORIGIN)


def test_i5_after_a_lost_answer_the_same_caller_is_answered_for_seconds_and_nobody_else(
    desk, stored
):
    token = make(desk, stored)
    desk.download(token, KEY, ORIGIN)  # consumed, and the answer lost
    for stranger in (None, "s" * 40):
        with pytest.raises(DownloadExpired):
            desk.download(token, stranger, ORIGIN)
    desk.clock.advance(seconds=9)
    assert desk.download(token, KEY, ORIGIN).startswith("https://")
    desk.clock.advance(seconds=1)
    with pytest.raises(DownloadExpired):
        desk.download(token, KEY, ORIGIN)
    assert desk.events(stored).count("CARDS_DELIVERED") == 1


def test_i13_repeats_of_a_download_cannot_flood_the_trail(desk, stored):
    token = make(desk, stored)
    for _ in range(41):
        assert desk.download(token, KEY, ORIGIN)
    assert desk.events(stored).count("DOWNLOAD_REPEATED") == 12


def test_i5_a_crash_before_the_token_is_consumed_costs_nothing(desk, stored, monkeypatch):
    token = make(desk, stored)
    with monkeypatch.context() as crash:
        crash.setattr("cardvault.links.use", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.download(token, None, ORIGIN)
    assert desk.download(token, None, ORIGIN)


def test_a_claim_token_is_no_download_token_and_the_reverse(desk):
    order_id, claim = desk.mailed()
    with pytest.raises(DownloadExpired):
        desk.download(claim.token, None, ORIGIN)
    with pytest.raises(LinkUnusable):
        desk.open(ClaimRequest(make(desk, order_id), None, ORIGIN))


def test_i1_the_file_is_under_the_bucket_s_own_key(desk, stored):
    make(desk, stored)
    (key,) = objects(desk)
    assert re.fullmatch(r"downloads/[0-9a-f]{32}\.txt", key)
    head = desk.steps.cloud.client("s3").head_object(Bucket="downloads", Key=key)
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == desk.steps.cloud.settings.downloads_key_arn


def test_one_decrypt_whatever_the_number_of_cards(desk, monkeypatch):
    order_id = desk.steps.stored_order(cards=600)
    calls = []
    keyring = desk.create.keyring.kms
    decrypt = keyring.decrypt
    monkeypatch.setattr(keyring, "decrypt", lambda **given: calls.append(1) or decrypt(**given))
    make(desk, order_id)
    assert calls == [1]


def test_i6_a_file_is_for_the_owner(desk, stored):
    for stranger in (caller("mallory"), caller(tenant_id="b" * 24)):
        with pytest.raises(OrderNotFound):
            desk.create.for_owner(stored, "txt", stranger)
    assert desk.events(stored)[-2:] == ["DOWNLOAD_REFUSED"] * 2
    assert objects(desk) == []


def test_there_is_no_file_before_there_are_cards(desk):
    order_id = desk.steps.create().order_id
    with pytest.raises(OrderNotFulfilled):
        make(desk, order_id)


def test_i8_after_shredding_neither_a_new_file_nor_a_waiting_one(desk, stored):
    token = make(desk, stored)
    shred_cards(stored, caller(), clock=desk.clock)
    with pytest.raises(DownloadExpired):
        desk.download(token, None, ORIGIN)
    with pytest.raises(CardsShredded):
        make(desk, stored)


def test_who_claimed_the_link_may_download_and_nobody_else(desk):
    _, claim = desk.claimed()
    made = desk.create.for_claimant(claim, "json")
    assert "X-Amz-Signature" in desk.download(made.token, None, ORIGIN)
    with pytest.raises(LinkUnusable):
        desk.create.for_claimant(ClaimRequest(claim.token, None, ORIGIN), "json")


def test_a_format_that_is_none_is_refused_and_txt_is_the_default():
    assert check_request({}) == {"format": "txt"}
    with pytest.raises(InvalidRequest, match="txt, xlsx, csv, json"):
        check_request({"format": "pdf"})


def test_the_sweep_deletes_what_nothing_can_reach_any_more(desk, stored):
    make(desk, stored)
    (item,) = desk.steps.cloud.client("s3").list_objects_v2(Bucket="downloads")["Contents"]
    made_at = item["LastModified"]
    assert swept_at(desk.bucket, made_at + timedelta(minutes=6)).deleted == 0
    assert swept_at(desk.bucket, made_at + timedelta(minutes=7, seconds=1)).deleted == 1
    assert objects(desk) == []


def test_the_sweep_deletes_a_page_of_files_in_one_call(desk, stored, monkeypatch):
    for _ in range(12):
        make(desk, stored)
    (*_, item) = desk.steps.cloud.client("s3").list_objects_v2(Bucket="downloads")["Contents"]
    asked, call = [], BaseClient._make_api_call

    def noting(client, operation, parameters):
        asked.append(operation)
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", noting)
    assert swept_at(desk.bucket, item["LastModified"] + timedelta(minutes=8)).deleted == 12
    assert asked == ["ListObjectsV2", "DeleteObjects"]


def test_a_sweep_that_runs_out_of_time_says_that_there_is_more(desk, stored):
    make(desk, stored)
    over = Round(ends_at=desk.clock.now, clock=desk.clock)
    assert desk.bucket.sweep(over) == Swept(0, more=True)


@pytest.mark.parametrize(
    ("code", "known_as"), [("InternalError", AwsUnavailable), ("AccessDenied", InternalError)]
)
def test_a_file_that_stays_is_told_by_the_sweep(desk, stored, monkeypatch, code, known_as):
    make(desk, stored)
    (item,) = desk.steps.cloud.client("s3").list_objects_v2(Bucket="downloads")["Contents"]
    call = BaseClient._make_api_call

    def keeping(client, operation, parameters):
        if operation == "DeleteObjects":
            return {"Errors": [{"Key": item["Key"], "Code": code}]}
        return call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", keeping)
    with pytest.raises(ClientError) as stayed:
        swept_at(desk.bucket, item["LastModified"] + timedelta(minutes=8))
    assert type(as_cardvault_error(stayed.value)) is known_as
