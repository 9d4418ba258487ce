"""GET /api/download/{token}: the file, once."""

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.downloads.bucket import DownloadsBucket
from cardvault.downloads.downloads import RedeemDownload
from cardvault.errors import DownloadExpired, InvalidRequest, TooManyWriters
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import GUARDED, Response
from cardvault.links import LINK_RECORDS

# Source: https://wicg.github.io/nav-speculation/prefetch.html; the others are older names of it.
_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")

settings = Settings()
tables.use(settings, *LINK_RECORDS)
redeem_download = RedeemDownload(DownloadsBucket(boto_clients.s3(), settings.downloads_bucket))


@endpoint(raises=(DownloadExpired, InvalidRequest, TooManyWriters))
def handler(event: request.Event) -> Response:
    """303 to a signed address that lives for a minute."""
    _expect_wanted(event)
    token = str(event["pathParameters"]["token"])
    address = redeem_download(token, claim_request.repeat_key(event), request.origin(event))
    return {"statusCode": 303, "headers": {**GUARDED, "Location": address}, "body": ""}


def _expect_wanted(event: request.Event) -> None:
    """Raises InvalidRequest for a request that would spend the token and not bring the file.

    A browser fetches ahead what may be clicked; a download program asks for a few bytes first.
    """
    if any("prefetch" in (request.header(event, name) or "").lower() for name in _PURPOSES):
        raise InvalidRequest("the file is not fetched ahead")
    if request.header(event, "range") is not None:
        raise InvalidRequest("the file is fetched whole: leave Range out")
