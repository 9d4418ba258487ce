"""POST /api/claims/downloads: a file of the codes, for the browser that claimed the link."""

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.claims import claim_request
from cardvault.downloads.bucket import DownloadsBucket
from cardvault.downloads.downloads import CreateDownload
from cardvault.errors import CannotOpen, LinkUnusable, TooManyWriters
from cardvault.http import request
from cardvault.http.body import BODY_ERRORS
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.links import LINK_RECORDS
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import DataKeyRecord, SealedPage

settings = Settings()
tables.use(settings, *LINK_RECORDS, SealedPage, DataKeyRecord)
create_download = CreateDownload(
    Keyring(boto_clients.kms(), settings.card_key_arn),
    DownloadsBucket(boto_clients.s3(), settings.downloads_bucket),
    settings.downloads_key_arn,
)


@endpoint(raises=(*BODY_ERRORS, CannotOpen, LinkUnusable, TooManyWriters))
def handler(event: request.Event) -> Response:
    """201 with the address that gives the file once, and until when."""
    claim, body = claim_request.read(event)
    made = create_download.for_claimant(claim, body["format"])
    address = f"/api/download/{made.token}"
    return respond(201, {"downloadUrl": address, "expiresAt": made.expires_at})
