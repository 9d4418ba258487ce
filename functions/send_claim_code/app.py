"""POST /api/claims/code: mail the code that proves whose mailbox it is."""

from cardvault.delivery import web, wiring
from cardvault.delivery.codes import SendCode
from cardvault.runtime import http
from cardvault.runtime.settings import Settings

settings = Settings()
wiring.bind_delivery(settings)
send_code = SendCode(wiring.mailer(settings), settings.shop_name)


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """202; the code goes to the address on file and nowhere else."""
    visit, _ = web.read(event)
    send_code(visit)
    return http.respond(202, {"sent": True})
