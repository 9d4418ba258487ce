"""Refused attempts: answered alike whether their record can be written or not (I6, I7)."""

from collections.abc import Callable
from typing import Any

import botocore.client
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cardvault import errors
from cardvault.audit.events import EventName
from cardvault.aws import retries, tables
from cardvault.claims.claim import ClaimRequest
from cardvault.identity.clients import ApiClient
from cardvault.orders import audit
from cardvault.orders.access import get_owned_or_audit
from cardvault.orders.records import ORDER_KEY, OrderRecord
from cardvault.orders.shred import shred_cards
from tests.support.delivery import ORIGIN
from tests.support.doubles import caller

UNKNOWN, MALLORY = "0" * 24, caller("mallory")
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}
WHY = {
    "throttled": ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem"),
    "denied": ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem"),
    "unreachable": EndpointConnectionError(endpoint_url="https://dynamodb.invalid"),
    "contended": ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem"),
    "a defect": ValueError("CANARY"),
}


@pytest.fixture(params=WHY.values(), ids=list(WHY))
def no_writes(request, monkeypatch) -> Callable[[], None]:
    """From the call on, nothing can be written."""

    def begin() -> None:
        call = botocore.client.BaseClient._make_api_call

        def failing(client: Any, operation: str, parameters: Any) -> Any:
            if operation in WRITES:
                raise request.param
            return call(client, operation, parameters)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", failing)

    return begin


ATTEMPTS: dict[str, Callable[[Any, str], Any]] = {
    "read": lambda desk, order_id: get_owned_or_audit(
        order_id, EventName.READ_REFUSED, MALLORY, clock=desk.clock
    ),
    "read the trail": lambda desk, order_id: audit.trail_of(
        order_id, MALLORY, after=0, limit=1, clock=desk.clock
    ),
    "reveal": lambda desk, order_id: desk.steps.reveal(order_id, by=MALLORY),
    "download": lambda desk, order_id: desk.create.for_owner(order_id, "txt", MALLORY),
    "shred": lambda desk, order_id: shred_cards(order_id, MALLORY, clock=desk.clock),
    "resend": lambda desk, order_id: desk.resend(order_id, None, MALLORY),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=list(ATTEMPTS))
def test_i6_a_refusal_that_cannot_be_written_is_answered_as_an_unknown_order(
    desk, no_writes, capsys, attempt
):
    order_id = desk.steps.stored_for()
    no_writes()
    answers = []
    for asked in (order_id, UNKNOWN):
        with pytest.raises(errors.CardvaultError) as refused:
            attempt(desk, asked)
        answers.append((type(refused.value), str(refused.value)))
    assert answers[0] == answers[1] == (errors.OrderNotFound, "Order not found")
    said = capsys.readouterr().out
    assert "RefusalNotRecorded" in said, "I7: the loss is counted"
    assert "CANARY" not in said


def test_i6_a_dead_link_is_refused_as_an_unknown_one_also_when_nothing_can_be_written(
    desk, no_writes, capsys
):
    _, claim = desk.mailed()
    desk.clock.advance(days=8)
    no_writes()
    for asked in (claim, ClaimRequest("x" * 43, None, ORIGIN)):
        with pytest.raises(errors.LinkUnusable):
            desk.open(asked)
    assert "RefusalNotRecorded" in capsys.readouterr().out


def test_a_counted_refusal_sees_no_other_attribute(desk, monkeypatch):
    """A role that names the attributes it may change may not have the others returned."""
    order_id, asked = desk.steps.stored_for(), []
    call = botocore.client.BaseClient._make_api_call

    def listening(client: Any, operation: str, parameters: Any) -> Any:
        answer = call(client, operation, parameters)
        if operation == "UpdateItem":
            asked.append((parameters["ReturnValues"], set(answer["Attributes"])))
        return answer

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", listening)
    with pytest.raises(errors.OrderNotFound):
        desk.steps.reveal(order_id, by=MALLORY)
    assert asked == [("UPDATED_NEW", {"refusals"})]


def test_an_updated_item_holds_what_was_set_and_keeps_the_rest(cloud):
    tables.use(cloud.settings, ApiClient)
    client = ApiClient(
        "c" * 24, tenant_id="a" * 24, name="shop", scopes=[], secret_hash="s", created_at="now"
    )
    client.save()
    changed = [ApiClient.name.set("new"), ApiClient.scopes.set(["orders:read"])]
    tables.update_item(client, changed)
    assert (client.name, client.scopes, client.tenant_id) == ("new", ["orders:read"], "a" * 24)
    stored = ApiClient.get("c" * 24)
    assert (stored.name, stored.scopes, stored.secret_hash) == ("new", ["orders:read"], "s")


def test_an_update_tells_a_lost_race_from_a_failure(desk):
    is_there = OrderRecord.order_id.exists()
    with pytest.raises(retries.LostRace):
        tables.update(OrderRecord(UNKNOWN, ORDER_KEY), [OrderRecord.refusals.add(1)], is_there)
