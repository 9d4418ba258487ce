"""DELETE /api/orders/{orderId}/cards: destroy an order's codes for good."""

from cardvault.aws.settings import Settings
from cardvault.errors import OrderInProgress, OrderNotFound, TooManyWriters
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders import store
from cardvault.orders.shred import shred_cards
from cardvault.sealing.store import bind_sealed_tables

settings = Settings()
store.bind_tables(settings)
bind_sealed_tables(settings)


@endpoint(raises=(OrderInProgress, OrderNotFound, TooManyWriters))
def handler(event: request.Event) -> Response:
    """200 with the moment it happened, also when that was before."""
    order = shred_cards(request.order_id(event), Caller.of(event))
    return respond(200, {"orderId": order.order_id, "shreddedAt": order.shredded_at})
