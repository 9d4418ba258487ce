"""GET /api/orders: the caller's orders, newest first."""

from typing import Any

from cardvault.orders import store, views
from cardvault.runtime import http
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings

store.bind_orders(Settings())


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with a page of orders, and nextCursor if there are more."""
    limit = http.integer(event, "limit", least=1, most=100, default=20)
    orders, cursor = views.page(Caller.of(event), limit=limit, cursor=http.query(event, "cursor"))
    body: dict[str, Any] = {"orders": [views.view(order) for order in orders]}
    return http.respond(200, {**body, "nextCursor": cursor} if cursor else body)
