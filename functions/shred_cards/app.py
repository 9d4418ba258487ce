"""DELETE /api/orders/{orderId}/cards: destroy an order's codes for good."""

from cardvault.orders import store
from cardvault.orders.shred import shred_cards
from cardvault.runtime import http
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings
from cardvault.sealing.store import bind_sealed_tables

settings = Settings()
store.bind_tables(settings)
bind_sealed_tables(settings)


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with the moment it happened, also when that was before."""
    order = shred_cards(http.order_id(event), Caller.of(event))
    return http.respond(200, {"orderId": order.order_id, "shreddedAt": order.shredded_at})
