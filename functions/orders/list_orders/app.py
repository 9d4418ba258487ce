"""GET /api/orders: the caller's orders, newest first."""

from typing import Any

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.errors import InvalidRequest
from cardvault.http import request
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.orders import views
from cardvault.orders.records import OrderRecord

tables.use(Settings(), OrderRecord)

LIMIT = request.WholeNumber("limit", least=1, most=100, default=20)
CURSOR = request.Text("cursor")


@endpoint(raises=(InvalidRequest,), query=(LIMIT, CURSOR))
def handler(event: request.Event) -> Response:
    """200 with a page of orders, and nextCursor if there are more."""
    orders, cursor = views.page(Caller.of(event), limit=LIMIT(event), cursor=CURSOR(event))
    body: dict[str, Any] = {"orders": [views.view(order) for order in orders]}
    return respond(200, {**body, "nextCursor": cursor} if cursor else body)
