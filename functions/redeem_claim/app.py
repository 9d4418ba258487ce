"""POST /api/claims/redeem: the one request that consumes a claim link."""

from cardvault.delivery import web
from cardvault.delivery.claims import RedeemClaim
from cardvault.delivery.links import bind_links
from cardvault.orders import store
from cardvault.runtime import http
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_tables(settings)
bind_links(settings)
redeem_claim = RedeemClaim()


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 and the session's cookie, to one winner; 400 for a wrong code while tries are left."""
    visit, body = web.read(event)
    session = redeem_claim(visit, body.get("code"), web.repeat_key(event))
    answer = http.respond(200, {"claimed": True})
    return {**answer, "cookies": [web.session_cookie(visit.token, session)]}
