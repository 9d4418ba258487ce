"""POST /api/orders/{orderId}/downloads: a file of the codes, for the order's owner."""

from cardvault.delivery.bucket import DownloadsBucket
from cardvault.delivery.downloads import CreateDownload, check_request
from cardvault.delivery.links import bind_links
from cardvault.orders import store
from cardvault.runtime import aws, http
from cardvault.runtime.caller import Caller
from cardvault.runtime.settings import Settings
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import bind_sealed_tables

settings = Settings()
store.bind_tables(settings)
bind_links(settings)
bind_sealed_tables(settings)
create_download = CreateDownload(
    Keyring(aws.kms(), settings.card_key_arn),
    DownloadsBucket(aws.s3(), settings.downloads_bucket),
    settings.downloads_key_arn,
)


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """201 with the address that gives the file once, and until when."""
    wanted = check_request(http.json_body(event) if event.get("body") else {})
    made = create_download.for_owner(http.order_id(event), wanted["format"], Caller.of(event))
    address = f"/api/download/{made.token}"
    return http.respond(201, {"downloadUrl": address, "expiresAt": made.expires_at})
