"""POST /api/orders: take an order, once per Idempotency-Key."""

from typing import Any

from cardvault.orders import store
from cardvault.orders.create import CreateOrder, NewOrder
from cardvault.orders.workflow import Workflow
from cardvault.runtime import aws, http
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_tables(settings)
create_order = CreateOrder(
    Workflow(aws.step_functions(), settings.state_machine_arn),
    settings.adoptable_after,
    sends_mail=bool(settings.mail_sender),
)


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """202 with the order's id and status, and its address in Location."""
    caller = Caller.of(event)
    wanted = NewOrder.parse(http.json_body(event))
    order = create_order(wanted, http.header(event, "idempotency-key"), caller)
    body: dict[str, Any] = {"orderId": order.order_id, "status": order.status}
    return http.respond(202, body, {"Location": f"/api/orders/{order.order_id}"})
