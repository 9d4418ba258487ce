"""GET /api/download/{token}: the file, once."""

from cardvault.delivery import web
from cardvault.delivery.bucket import DownloadsBucket
from cardvault.delivery.downloads import RedeemDownload
from cardvault.delivery.links import bind_links
from cardvault.orders import store
from cardvault.runtime import aws, http
from cardvault.runtime.settings import Settings

settings = Settings()
store.bind_tables(settings)
bind_links(settings)
redeem_download = RedeemDownload(DownloadsBucket(aws.s3(), settings.downloads_bucket))


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """303 to a signed address that lives for a minute."""
    token = str(event["pathParameters"]["token"])
    address = redeem_download(token, web.repeat_key(event), http.origin(event))
    return {"statusCode": 303, "headers": {**http.GUARDED, "Location": address}, "body": ""}
