"""DELETE /api/orders/{orderId}/cards: destroy an order's codes for good."""

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.errors import OrderInProgress, OrderNotFound, TooManyWriters
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders.records import ORDER_RECORDS
from cardvault.orders.shred import shred_cards
from cardvault.sealing.code_marks import CodeMark
from cardvault.sealing.store import DataKeyRecord, SealedPage

settings = Settings()
tables.use(settings, *ORDER_RECORDS, SealedPage, DataKeyRecord, CodeMark)


@endpoint(raises=(OrderInProgress, OrderNotFound, TooManyWriters))
def handler(event: request.Event) -> Response:
    """200 with the moment it happened, also when that was before."""
    order = shred_cards(request.order_id(event), Caller.of(event))
    return respond(200, {"orderId": order.order_id, "shreddedAt": order.shredded_at})
