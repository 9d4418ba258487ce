"""POST /api/orders/{orderId}/emails: the e-mail message again, with a new link."""

from cardvault import errors
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS, optional_json_body
from cardvault.http.caller import Caller
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import LINK_RECORDS
from cardvault.mail import bootstrap, ses
from cardvault.mail.daily_totals import MailsToAddress
from cardvault.mail.resend import ResendEmail, check_request
from cardvault.mail.suppression import Suppression

settings = Settings()
tables.use(settings, *LINK_RECORDS, Suppression, MailsToAddress)
resend_email = ResendEmail(bootstrap.order_mailer(settings))


@endpoint(
    raises=(
        *ses.ERRORS,
        errors.AddressSuppressed,
        *BODY_ERRORS,
        errors.CardsShredded,
        errors.ClaimLocked,
        errors.Forbidden,
        errors.NoRecipient,
        errors.OrderNotFound,
        errors.OrderNotFulfilled,
        errors.TooManyMails,
        errors.TooManyWriters,
        errors.TooSoon,
    )
)
def handler(event: request.Event) -> Response:
    """202 once SES has taken it; the order's emailStatus later says whether it was delivered."""
    wanted = check_request(optional_json_body(event))
    order = resend_email(request.order_id(event), wanted.get("email"), Caller.of(event))
    return respond(202, {"orderId": order.order_id, "emailedAt": order.emailed_at})
