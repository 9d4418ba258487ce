"""Every way an order goes, through the functions that take it there."""

from typing import Any

from cardvault import errors
from cardvault.core.clock import to_text
from cardvault.fulfilment.place import LONGEST_ACCEPTANCE
from cardvault.fulfilment.workflow import MOST_RESTARTS
from cardvault.supplier.circuit_breaker import MOST_FAILURES
from tests.support import chaining
from tests.support.stage import CUSTOMER, MALLORY, TENANT, Stage, fresh_key, three_cards

ORDERS, ORDER = "POST /api/orders", "GET /api/orders/{orderId}"
CARDS, SHRED = "GET /api/orders/{orderId}/cards", "DELETE /api/orders/{orderId}/cards"
ERASE = "DELETE /api/orders/{orderId}/recipient"
WANTED = {"productId": "P1", "typeId": "T1", "quantity": 3}
DISPLAY = {
    "title": "Arcade card",
    "instructions": "Enter the code.",
    "redeemUrl": "https://arcade.example",
}
RECIPIENT = {
    "email": CUSTOMER,
    "name": "Ada",
    "shopName": "Corner Shop",
    "locale": "fr",
    "protection": "otp",
}
OLD_SUPPLIER_ORDER = "5e0be100{:016x}"


class Died(RuntimeError):
    """The function ends before its call is made."""


def created(stage: Stage, **body: Any) -> str:
    wanted = {**WANTED, **body}
    made = stage.http("create_order", ORDERS, 202, body=wanted, key=fresh_key())
    return str(made["orderId"])


def placed(stage: Stage, **body: Any) -> str:
    order_id = created(stage, **body)
    stage.supplier.placing.append(f"S-{order_id}")
    stage.task("place_order", input={"orderId": order_id}, orderId=order_id)
    return order_id


def polled(stage: Stage, order_id: str, raises: type[Exception] | None = None) -> Any:
    started = to_text(stage.now())
    return stage.task("poll_fulfilment", raises, orderId=order_id, executionStartedAt=started)


def stored(stage: Stage, **body: Any) -> str:
    """An order with its cards in the vault."""
    order_id = placed(stage, **body)
    stage.supplier.has(f"S-{order_id}")
    polled(stage, order_id)
    stage.task("store_cards", orderId=order_id)
    return order_id


def attention(stage: Stage, order_id: str, error: str = "AwsUnavailable") -> None:
    stage.task("record_outcome", orderId=order_id, error=error)


def _creating(stage: Stage) -> None:
    key = fresh_key()
    wanted = {**WANTED, "delivery": RECIPIENT, "display": DISPLAY}
    for _ in range(2):
        stage.http("create_order", ORDERS, 202, body=wanted, key=key)
    stage.http("create_order", ORDERS, 409, body=WANTED, key=key)
    secret = {**RECIPIENT, "protection": "passcode", "passcode": "blue whale"}
    created(stage, delivery=secret)
    adopted = {"supplierOrderId": OLD_SUPPLIER_ORDER.format(1)}
    for status in (202, 409):
        stage.http(
            "create_order", ORDERS, status, body=adopted, key=fresh_key(), scope="orders:adopt"
        )


def _placing(stage: Stage) -> None:
    order_id = created(stage)
    event = {"input": {"orderId": order_id}, "orderId": order_id}
    stage.supplier.placing.append(errors.SupplierThrottled(1.0))
    stage.task("place_order", errors.SupplierThrottled, **event)
    stage.supplier.placing.append(f"S-{order_id}")
    stage.task("place_order", **event)
    attention(stage, order_id)
    stage.task("place_order", **event)
    another = {**event, "input": {"orderId": order_id, "supplierOrderId": "S-another"}}
    stage.task("place_order", errors.PlacementDuplicated, **another)

    lost = created(stage)
    event = {"input": {"orderId": lost}, "orderId": lost}
    stage.supplier.placing.append(errors.PlacementUnknown())
    stage.task("place_order", errors.PlacementUnknown, **event)
    stage.task("place_order", errors.PlacementUnknown, **event)
    shown = stage.http("get_order", ORDER, 200, path={"orderId": lost})
    stage.wait(seconds=LONGEST_ACCEPTANCE.total_seconds() + 1)
    confirmed = {"orderId": lost, "confirmedNotPlaced": shown["placingAt"]}
    stage.supplier.placing.append(f"S-{lost}")
    stage.task("place_order", input=confirmed, orderId=lost)


def _reconciling(stage: Stage) -> None:
    def lost() -> str:
        order_id = created(stage)
        stage.supplier.placing.append(errors.PlacementUnknown())
        event = {"input": {"orderId": order_id}, "orderId": order_id}
        stage.task("place_order", errors.PlacementUnknown, **event)
        return order_id

    found = lost()
    stage.task("reconcile_order", errors.PlacementNotFound, orderId=found)
    attention(stage, found, "PlacementNotFound")
    stage.supplier.has(f"S-{found}", created_at=stage.now())
    for _ in range(2):
        stage.task("reconcile_order", orderId=found)

    # Just then an operator names the order: the same one, then another.
    for named, raises in (("S-{}", None), ("S-other-{}", errors.PlacementDuplicated)):
        stage.wait(minutes=30)
        raced = lost()
        stage.supplier.has(f"S-{raced}", created_at=stage.now())
        named_order = {"orderId": raced, "supplierOrderId": named.format(raced)}

        def operator(raced: str = raced, named_order: Any = named_order) -> None:
            stage.task("place_order", input=named_order, orderId=raced)
            attention(stage, raced)

        stage.meanwhile("TransactWriteItems", operator)
        stage.task("reconcile_order", raises, orderId=raced)


def _polling_and_storing(stage: Stage) -> None:
    adopted = {"supplierOrderId": OLD_SUPPLIER_ORDER.format(2)}
    made = stage.http(
        "create_order", ORDERS, 202, body=adopted, key=fresh_key(), scope="orders:adopt"
    )
    order_id = made["orderId"]
    stage.supplier.has(adopted["supplierOrderId"], "HANDLING", cards=())
    polled(stage, order_id, errors.OrderPending)
    stage.supplier.has(adopted["supplierOrderId"])
    polled(stage, order_id)
    for _ in range(2):
        stage.task("store_cards", orderId=order_id)
    attention(stage, order_id, "StoredCardsDiffer")
    stage.task("store_cards", orderId=order_id)

    partly = placed(stage)
    some = three_cards()[:2]
    stage.supplier.has(f"S-{partly}", "PARTIALLY_FILLED", cards=some)
    stage.task("store_cards", orderId=partly)


def _storing_in_vain(stage: Stage) -> None:
    died, overtaken = placed(stage), placed(stage)
    for order_id in (died, overtaken):
        stage.supplier.has(f"S-{order_id}")
    stage.meanwhile("PutItem", lambda: stage.fails("TransactWriteItems", Died()))
    stage.task("store_cards", errors.InternalError, orderId=died)
    attention(stage, died)
    stage.meanwhile("PutItem", lambda: attention(stage, overtaken))
    stage.task("store_cards", errors.StoringOvertaken, orderId=overtaken)


def _locked_out(stage: Stage) -> None:
    """The supplier refuses our key and our address, and fails: a step remembers it for all."""
    waiting, lost, bought = created(stage), created(stage), placed(stage)
    stage.supplier.placing.append(errors.PlacementUnknown())
    place = {"input": {"orderId": lost}, "orderId": lost}
    stage.task("place_order", errors.PlacementUnknown, **place)
    steps: dict[str, dict[str, Any]] = {
        "place_order": {"input": {"orderId": waiting}, "orderId": waiting},
        "reconcile_order": {"orderId": lost},
        "poll_fulfilment": {"orderId": bought, "executionStartedAt": to_text(stage.now())},
        "store_cards": {"orderId": bought},
    }
    for step, event in steps.items():
        stage.refuses(401, "INVALID_ACCESS_TOKEN")
        stage.task(step, errors.SupplierCredentialsRejected, **event)
        stage.wait(minutes=2)
        stage.refuses(429, "RATE_LIMIT_EXCEEDED")
        stage.task(step, errors.SupplierThrottled, **event)
        stage.wait(seconds=2)
        stage.refuses(403, "IP_BLOCKED")
        stage.task(step, errors.SupplierBlocked, **event)
        stage.wait(minutes=20)
        stage.refuses(404, "NOT_FOUND")  # which is an answer, and ends all trouble
        stage.task("poll_fulfilment", errors.SupplierOrderUnknown, **steps["poll_fulfilment"])
        for number in range(MOST_FAILURES):
            failing = step if number == MOST_FAILURES - 1 else "poll_fulfilment"
            unknown = failing == "place_order"
            stage.refuses(500, "INTERNAL")
            stage.task(
                failing,
                errors.PlacementUnknown if unknown else errors.SupplierUnavailable,
                **steps[failing],
            )
        stage.wait(minutes=2)


def _ending_without_cards(stage: Stage) -> None:
    order_id = placed(stage)
    attention(stage, order_id)
    stage.task("record_outcome", orderId=order_id)
    unplaced = created(stage)
    attention(stage, unplaced)
    stage.supplier.placing.append(f"S-{unplaced}")
    stage.task("place_order", input={"orderId": unplaced}, orderId=unplaced)
    with_cards = stored(stage)
    stage.task("record_outcome", orderId=with_cards)


def _stuck(stage: Stage) -> None:
    """Executions are stopped, of one order again and again, as it had begun to store its cards."""
    order_id = placed(stage)
    stage.supplier.has(f"S-{order_id}")
    for _ in range(2):
        stage.meanwhile("PutItem", lambda: stage.fails("TransactWriteItems", Died()))
        stage.task("store_cards", errors.InternalError, orderId=order_id)
    for _ in range(2 + MOST_RESTARTS):
        stage.stop_executions()
        stage.wait(minutes=20)
        stage.task("reconcile_orders")
    shown = stage.http("get_order", ORDER, 200, path={"orderId": order_id})
    assert shown["attentionReason"] == "WORKFLOW_STOPPED"


def _looking(stage: Stage) -> None:
    order_id = stored(stage)
    stage.http("get_order", ORDER, 200, path={"orderId": order_id})
    stage.http("get_order", ORDER, 404, path={"orderId": order_id}, by=MALLORY)
    stage.http("list_orders", "GET /api/orders", 200, query={"limit": "1"})
    audit = "GET /api/orders/{orderId}/audit"
    stage.http("get_audit_trail", audit, 200, path={"orderId": order_id})
    stage.http("get_audit_trail", audit, 404, path={"orderId": order_id}, by=MALLORY)


def _revealing_and_shredding(stage: Stage) -> None:
    path = {"orderId": stored(stage)}
    for _ in range(2):
        stage.http("reveal_cards", CARDS, 200, path=path)
    stage.http("reveal_cards", CARDS, 404, path=path, by=MALLORY)
    stage.http("shred_cards", SHRED, 404, path=path, by=MALLORY)
    for _ in range(2):
        stage.http("shred_cards", SHRED, 200, path=path)
    stage.http("reveal_cards", CARDS, 410, path=path)
    unfinished = {"orderId": created(stage)}
    stage.http("shred_cards", SHRED, 409, path=unfinished)


def _marking_codes(stage: Stage) -> None:
    """Two orders of the same cards under a key that sells real ones."""
    stage.supplier.is_sandbox = False
    first, second = placed(stage), placed(stage)
    for order_id in (first, second):
        stage.supplier.has(f"S-{order_id}")

    def quicker() -> None:
        stage.task("store_cards", orderId=first)
        stage.http("shred_cards", SHRED, 200, path={"orderId": first})

    stage.meanwhile("PutItem", quicker)
    stage.task("store_cards", errors.StoringOvertaken, orderId=first)
    third = stored(stage)
    stage.task("store_cards", errors.DuplicateCards, orderId=second)
    stage.http("shred_cards", SHRED, 200, path={"orderId": third})
    stage.supplier.is_sandbox = True


def _erasing(stage: Stage) -> None:
    path = {"orderId": stored(stage, delivery=RECIPIENT)}
    stage.http("erase_recipient", ERASE, 404, path=path, by=MALLORY)
    stage.http("erase_recipient", ERASE, 409, path=path)
    stage.http("reveal_cards", CARDS, 200, path=path)
    for _ in range(2):
        stage.http("erase_recipient", ERASE, 200, path=path)


def _chaining(stage: Stage) -> None:
    order_id = stored(stage)
    records = chaining.waiting_records(order_id)
    stage.task("chain_audit_events", Records=records)
    stage.task("chain_audit_events", subject=order_id)
    (head, *_) = chaining.items(order_id, beginning="")
    assert head["lastSeq"] == {"N": str(len(records))}
    overwritten = chaining.record(records[0]["dynamodb"]["NewImage"], name="MODIFY")
    overwritten["dynamodb"]["OldImage"] = overwritten["dynamodb"]["NewImage"]
    stage.task("chain_audit_events", Records=[overwritten])


def _operating(stage: Stage) -> None:
    """Clients, tokens, keys, and what runs under IAM alone."""
    made = stage.task("manage_client", action="create", name="shop", scopes=["orders:read"])
    body = f"grant_type=client_credentials&client_id={made['clientId']}"
    form = f"{body}&client_secret={made['clientSecret']}"
    stage.http("issue_token", "POST /v2/token", 200, body=form, by=None)
    stage.http("issue_token", "POST /v2/token", 401, body=f"{body}&client_secret=x", by=None)
    for document in ("openid-configuration", "oauth-authorization-server", "jwks.json"):
        stage.http("publish_keys", f"GET /.well-known/{document}", 200, by=None)
    for whose in ({"clientId": made["clientId"]}, {"tenantId": made["tenantId"]}):
        ceilings = {"cardsPerOrder": 10, "cardsPerDay": 100}
        stage.task("manage_client", action="set_ceilings", **whose, **ceilings)
        stage.task("manage_client", action="get_ceilings", **whose)
    stage.task("manage_client", action="rotate", clientId=made["clientId"])
    stage.task("manage_client", action="revoke", clientId=made["clientId"])
    stored(stage)
    stage.task("rewrap_data_keys", wrappedBefore=to_text(stage.now()))


def _retaining(stage: Stage) -> None:
    stage.task("apply_retention")
    days = {"shredAfterDays": 1, "shredAfterDeliveryDays": 2, "eraseAfterDays": 1}
    stage.task("manage_client", action="set_retention", tenantId=TENANT, **days)
    stage.task("manage_client", action="get_retention", tenantId=TENANT)
    stage.supplier.is_sandbox = False  # real cards leave marks
    path = {"orderId": stored(stage, delivery=RECIPIENT)}
    stage.supplier.is_sandbox = True
    stage.task("send_delivery_email", orderId=path["orderId"])
    stage.http("reveal_cards", CARDS, 200, path=path)
    stage.wait(days=3)
    for _ in range(2):
        stage.task("apply_retention")
    shown = stage.http("get_order", ORDER, 200, path=path)
    assert shown["erasedAt"]
    stage.http("reveal_cards", CARDS, 410, path=path)


SCENARIOS = (
    _creating,
    _placing,
    _reconciling,
    _polling_and_storing,
    _storing_in_vain,
    _locked_out,
    _ending_without_cards,
    _stuck,
    _looking,
    _revealing_and_shredding,
    _marking_codes,
    _erasing,
    _chaining,
    _operating,
    _retaining,
)
