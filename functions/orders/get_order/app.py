"""GET /api/orders/{orderId}: where an order stands."""

from cardvault.audit.events import EventName
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.core.clock import utc_now
from cardvault.errors import OrderNotFound
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders import views
from cardvault.orders.access import get_owned_or_audit
from cardvault.orders.records import ORDER_RECORDS

tables.use(Settings(), *ORDER_RECORDS)


@endpoint(raises=(OrderNotFound,))
def handler(event: request.Event) -> Response:
    """200 with status and delivery facts."""
    order = get_owned_or_audit(
        request.order_id(event), EventName.READ_REFUSED, Caller.of(event), clock=utc_now
    )
    return respond(200, views.view(order))
