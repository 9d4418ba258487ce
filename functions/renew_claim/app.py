"""POST /api/claims/renew: a new link in place of one that is over, to the address on file."""

from cardvault.delivery import web, wiring
from cardvault.delivery.resend import RenewClaim
from cardvault.runtime import http
from cardvault.runtime.settings import Settings

settings = Settings()
wiring.bind_delivery(settings)
renew_claim = RenewClaim(wiring.postman(settings))


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """202 whatever the link: the answer tells nothing of it."""
    visit, _ = web.read(event)
    renew_claim(visit)
    return http.respond(202, {"accepted": True})
