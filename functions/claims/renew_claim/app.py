"""POST /api/claims/renew: a new link in place of one that is over, to the address on file."""

from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.claims.renew import RenewClaim
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import LINK_RECORDS
from cardvault.mail import bootstrap
from cardvault.mail.daily_totals import MailsToAddress
from cardvault.mail.suppression import Suppression

settings = Settings()
tables.use(settings, *LINK_RECORDS, Suppression, MailsToAddress)
renew_claim = RenewClaim(bootstrap.order_mailer(settings))


@endpoint(raises=BODY_ERRORS)
def handler(event: request.Event) -> Response:
    """202 whatever the link: the answer tells nothing of it."""
    claim, _ = claim_request.read(event)
    renew_claim(claim)
    return respond(202, {"accepted": True})
