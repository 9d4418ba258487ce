"""GET /api/orders/{orderId}: where an order stands."""

from cardvault.orders import store, views
from cardvault.runtime import http
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings

store.bind_orders(Settings())


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with status and delivery facts."""
    return http.respond(200, views.view(views.owned(http.order_id(event), Caller.of(event))))
