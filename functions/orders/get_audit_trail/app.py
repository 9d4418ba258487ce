"""GET /api/orders/{orderId}/audit: everything that happened to an order."""

from typing import Any

from cardvault.audit.trail import LARGEST
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.errors import InvalidRequest, OrderNotFound
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders import audit
from cardvault.orders.records import ORDER_RECORDS

tables.use(Settings(), *ORDER_RECORDS)

AFTER = request.WholeNumber("cursor", least=0, most=LARGEST, default=0)
LIMIT = request.WholeNumber("limit", least=1, most=500, default=100)


@endpoint(raises=(InvalidRequest, OrderNotFound), query=(AFTER, LIMIT))
def handler(event: request.Event) -> Response:
    """200 with a page of events, oldest first, and nextCursor if there are more."""
    events, last = audit.trail_of(
        request.order_id(event), Caller.of(event), after=AFTER(event), limit=LIMIT(event)
    )
    body: dict[str, Any] = {"events": events}
    return respond(200, {**body, "nextCursor": str(last)} if last else body)
