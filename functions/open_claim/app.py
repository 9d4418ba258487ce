"""POST /api/claims/open: what the claim page shows first."""

from cardvault.delivery import web
from cardvault.delivery.claims import OpenClaim
from cardvault.delivery.links import bind_links
from cardvault.delivery.views import claim_view
from cardvault.orders import store
from cardvault.runtime import http
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_tables(settings)
bind_links(settings)
shop_name = settings.shop_name
open_claim = OpenClaim()


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with shop, number of cards and what guards them; 404 for any link that is over."""
    visit, _ = web.read(event)
    link, order, claimed = open_claim(visit)
    return http.respond(200, claim_view(link, order, shop_name, claimed=claimed))
