"""POST /api/claims/code: mail the code that proves whose mailbox it is."""

from cardvault import errors
from cardvault.audit.trail import AuditRecord
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.claims.one_time_code import SendCode
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import AccessLink
from cardvault.mail import bootstrap
from cardvault.mail.suppression import Suppression
from cardvault.orders.records import OrderRecord

settings = Settings()
tables.use(settings, OrderRecord, AuditRecord, AccessLink, Suppression)
send_code = SendCode(bootstrap.mailer(settings), settings.shop_name)


@endpoint(
    raises=(
        errors.InvalidRequest,
        errors.LinkUnusable,
        errors.MailNotSetUp,
        errors.MailOutcomeUnknown,
        errors.MailRefused,
        errors.MailThrottled,
        errors.MailUnavailable,
        errors.TooManyWriters,
        errors.TooSoon,
    )
)
def handler(event: request.Event) -> Response:
    """202; the code goes to the address on file and nowhere else."""
    claim, _ = claim_request.read(event)
    send_code(claim)
    return respond(202, {"sent": True})
