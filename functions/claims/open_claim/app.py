"""POST /api/claims/open: what the claim page shows first."""

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.claims.claim import OpenClaim
from cardvault.claims.views import claim_view
from cardvault.errors import LinkUnusable, TooManyWriters
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import LINK_RECORDS

settings = Settings()
tables.use(settings, *LINK_RECORDS)
shop_name = settings.shop_name
open_claim = OpenClaim()


@endpoint(raises=(*BODY_ERRORS, LinkUnusable, TooManyWriters))
def handler(event: request.Event) -> Response:
    """200 with shop, number of cards and what guards them; 404 for any link that is over."""
    claim, _ = claim_request.read(event)
    link, order, seconds_left = open_claim(claim)
    return respond(200, claim_view(link, order, shop_name, seconds_left=seconds_left))
