"""GET /api/orders/{orderId}/audit: everything that happened to an order."""

from typing import Any

from cardvault.orders import audit, store
from cardvault.runtime import http
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings

store.bind_tables(Settings())


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with a page of events, oldest first, and nextCursor if there are more."""
    after = http.integer(event, "cursor", least=0, most=999_999_999, default=0)
    limit = http.integer(event, "limit", least=1, most=500, default=100)
    events, last = audit.trail_of(http.order_id(event), Caller.of(event), after=after, limit=limit)
    body: dict[str, Any] = {"events": events}
    return http.respond(200, {**body, "nextCursor": str(last)} if last else body)
