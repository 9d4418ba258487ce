"""POST /api/claims/code: mail the code that proves whose mailbox it is."""

from cardvault import errors
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.claims.one_time_code import SendCode
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import LINK_RECORDS
from cardvault.mail import bootstrap, ses
from cardvault.mail.daily_totals import MailsToAddress
from cardvault.mail.suppression import Suppression

settings = Settings()
tables.use(settings, *LINK_RECORDS, Suppression, MailsToAddress)
send_code = SendCode(bootstrap.mailer(settings), settings.shop_name)


@endpoint(
    raises=(
        *ses.ERRORS,
        *BODY_ERRORS,
        errors.LinkUnusable,
        errors.TooManyCodes,
        errors.TooManyMails,
        errors.TooManyWriters,
        errors.TooSoon,
        errors.WrongAddress,
    )
)
def handler(event: request.Event) -> Response:
    """202; the code goes to the address on file and nowhere else."""
    claim, wanted = claim_request.read(event)
    send_code(claim, wanted.get("email"))
    return respond(202, {"sent": True})
