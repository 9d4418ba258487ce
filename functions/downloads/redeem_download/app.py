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

settings = Settings()
tables.use(settings, *LINK_RECORDS)
redeem_download = RedeemDownload(DownloadsBucket(boto_clients.s3(), settings.downloads_bucket))


@endpoint(raises=(DownloadExpired, InvalidRequest, TooManyWriters))
def handler(event: request.Event) -> Response:
    """303 to a signed address that lives for a minute."""
    token = str(event["pathParameters"]["token"])
    address = redeem_download(token, claim_request.repeat_key(event), request.origin(event))
    return {"statusCode": 303, "headers": {**GUARDED, "Location": address}, "body": ""}
