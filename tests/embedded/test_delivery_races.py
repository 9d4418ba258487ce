"""I5 under real concurrency: many racers, one winner, against the emulator's own transactions.

The racers are the product's use cases on threads of this process, so that the race is in the
store and not in how many Lambda processes this machine can hold.
"""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from cardvault.audit.trail import AuditRecord
from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.claims.claim import ClaimRequest, RedeemClaim
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.downloads.bucket import DownloadsBucket
from cardvault.downloads.downloads import RedeemDownload
from cardvault.errors import DownloadExpired, LinkUnusable, WrongCode
from cardvault.links import AccessLink
from cardvault.orders.records import OrderRecord, UniquenessRecord
from local.stack import environment
from tests.support.claiming import ordered

pytestmark = pytest.mark.embedded
# Few are enough to show a missing condition; `make soak` runs more of both.
RACERS = int(os.environ.get("RACERS", "50"))
ROUNDS = int(os.environ.get("RACE_ROUNDS", "2"))
MODELS = (OrderRecord, UniquenessRecord, AuditRecord, AccessLink)


@pytest.fixture
def on_the_stack(vault, monkeypatch):
    """The product's own code in this process, on the stack's tables."""
    names = {
        "AWS_ENDPOINT_URL": vault.stack.aws_url,
        "AWS_ACCESS_KEY_ID": environment.ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": environment.SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": environment.REGION,
        "POWERTOOLS_SERVICE_NAME": "races",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    forget()
    outputs = vault.stack.outputs
    settings = Settings(
        {
            "ORDERS_TABLE": outputs["OrdersTable"],
            "AUDIT_TABLE": outputs["AuditTrailTable"],
            "LINKS_TABLE": outputs["AccessLinksTable"],
            "DOWNLOADS_BUCKET": outputs["DownloadsBucket"],
        }
    )
    tables.use(settings, OrderRecord, UniquenessRecord, AuditRecord, AccessLink)
    yield settings
    forget()


def forget():
    tables.connection.cache_clear()
    boto_clients.s3.cache_clear()
    for model in MODELS:
        model._connection = None


def race(work):
    """What became of each racer, all let go at once."""
    gate = threading.Barrier(RACERS)

    def run(number):
        gate.wait()
        try:
            return work(number)
        except (DownloadExpired, LinkUnusable) as error:
            return type(error)

    with ThreadPoolExecutor(RACERS) as pool:
        return Counter(pool.map(run, range(RACERS)))


def test_i5_one_of_many_redeems_of_a_token_wins(vault, alice, on_the_stack):
    order_id = ordered(vault, alice).order_id
    redeem = RedeemDownload(DownloadsBucket(boto_clients.s3(), on_the_stack.downloads_bucket))
    for _ in range(ROUNDS):
        made = alice.call("POST", f"/api/orders/{order_id}/downloads", json={}).json()
        token = made["downloadUrl"].rpartition("/")[2]
        results = race(lambda number, token=token: bool(redeem(token, None, origin(number))))
        assert results == {True: 1, DownloadExpired: RACERS - 1}
    events = all_events(alice, order_id)
    assert events.count("CARDS_DELIVERED") == ROUNDS


def test_i5_one_of_many_claims_with_the_right_code_wins(vault, alice, on_the_stack):
    redeem = RedeemClaim(min_response_time=MinResponseTime(sleep=lambda _: None))
    for _ in range(ROUNDS):
        customer = ordered(vault, alice)
        token = customer.token
        assert customer.post("code", token, email=customer.address).status_code == 202
        code = customer.code

        def claim(number, token=token, code=code):
            return bool(redeem(ClaimRequest(token, None, origin(number)), code, f"{number:064d}"))

        assert race(claim) == {True: 1, LinkUnusable: RACERS - 1}
        assert all_events(alice, customer.order_id).count("LINK_CLAIMED") == 1


def test_i5_of_many_guesses_at_once_five_are_weighed(vault, alice, on_the_stack):
    redeem = RedeemClaim(min_response_time=MinResponseTime(sleep=lambda _: None))
    customer = ordered(vault, alice)
    customer.post("code", email=customer.address)
    token, right = customer.token, int(customer.code)

    def guess(number):
        wrong = f"{(right + 1 + number) % 10**6:06d}"
        try:
            redeem(ClaimRequest(token, None, origin(number)), wrong, None)
        except WrongCode:
            return WrongCode
        return True

    assert race(guess) == {WrongCode: 4, LinkUnusable: RACERS - 4}


def origin(number):
    return {"ip_address": "192.0.2.7", "user_agent": f"racer-{number}"}


def all_events(user, order_id):
    return [event["event"] for event in user.get(order_id, "/audit", limit=500).json()["events"]]
