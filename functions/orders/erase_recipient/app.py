"""DELETE /api/orders/{orderId}/recipient: erase the customer's address and name."""

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.errors import NoRecipient, OrderNotFound, RecipientNeeded, TooManyWriters
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders.erase import erase_recipient
from cardvault.orders.records import ORDER_RECORDS

tables.use(Settings(), *ORDER_RECORDS)


@endpoint(raises=(NoRecipient, OrderNotFound, RecipientNeeded, TooManyWriters))
def handler(event: request.Event) -> Response:
    """200 with the moment it happened, also when that was before."""
    order = erase_recipient(request.order_id(event), Caller.of(event))
    return respond(200, {"orderId": order.order_id, "erasedAt": order.erased_at})
