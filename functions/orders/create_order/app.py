"""POST /api/orders: take an order, once per Idempotency-Key."""

from typing import Any

from cardvault import errors
from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.fulfilment.create import CreateOrder, NewOrder
from cardvault.fulfilment.workflow import Workflow
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS, json_body
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders.records import COUNTED_ORDER_RECORDS, UniquenessRecord

settings = Settings()
tables.use(settings, *COUNTED_ORDER_RECORDS, UniquenessRecord)
create_order = CreateOrder(
    Workflow(boto_clients.step_functions(), settings.state_machine_arn),
    settings.adoptable_after,
    settings.tenants_cards_per_day,
    sends_mail=bool(settings.mail_sender),
)


@endpoint(
    raises=(
        *BODY_ERRORS,
        errors.DailyCeilingReached,
        errors.Forbidden,
        errors.IdempotencyKeyReused,
        errors.MailNotSetUp,
        errors.OrderAboveCeiling,
        errors.SupplierOrderTaken,
        errors.TooManyWriters,
    )
)
def handler(event: request.Event) -> Response:
    """202 with the order's id and status, and its address in Location."""
    caller = Caller.of(event)
    wanted = NewOrder.parse(json_body(event))
    order = create_order(wanted, request.header(event, "idempotency-key"), caller)
    body: dict[str, Any] = {"orderId": order.order_id, "status": order.status}
    return respond(202, body, {"Location": f"/api/orders/{order.order_id}"})
