"""POST /api/orders/{orderId}/emails: the mail again, with a new link."""

from cardvault.delivery import wiring
from cardvault.delivery.resend import ResendEmail, check_request
from cardvault.runtime import http
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings

settings = Settings()
wiring.bind_delivery(settings)
resend_email = ResendEmail(wiring.postman(settings))


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """202 once SES has taken it; delivery is told later by the order's emailStatus."""
    wanted = check_request(http.json_body(event) if event.get("body") else {})
    order = resend_email(http.order_id(event), wanted.get("email"), Caller.of(event))
    return http.respond(202, {"orderId": order.order_id, "emailedAt": order.emailed_at})
