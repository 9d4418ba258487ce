"""GET /api/orders/{orderId}: where an order stands."""

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.errors import OrderNotFound
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders import views
from cardvault.orders.access import get_owned
from cardvault.orders.records import OrderRecord

tables.use(Settings(), OrderRecord)


@endpoint(raises=(OrderNotFound,))
def handler(event: request.Event) -> Response:
    """200 with status and delivery facts."""
    return respond(200, views.view(get_owned(request.order_id(event), Caller.of(event))))
