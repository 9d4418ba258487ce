"""POST /api/claims/redeem: the one request that consumes a claim link."""

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.claims.claim import RedeemClaim
from cardvault.errors import (
    CodeTooOld,
    LinkUnusable,
    TooManyWriters,
    WrongCode,
)
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import LINK_RECORDS

settings = Settings()
tables.use(settings, *LINK_RECORDS)
redeem_claim = RedeemClaim()


@endpoint(raises=(*BODY_ERRORS, CodeTooOld, LinkUnusable, TooManyWriters, WrongCode))
def handler(event: request.Event) -> Response:
    """200 and the session's cookie, to one winner; 400 for a wrong code while tries are left."""
    claim, body = claim_request.read(event)
    session = redeem_claim(claim, body.get("code"), claim_request.repeat_key(event))
    answer = respond(200, {"claimed": True})
    return {**answer, "cookies": [claim_request.session_cookie(claim.token, session)]}
