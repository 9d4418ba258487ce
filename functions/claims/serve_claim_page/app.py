"""GET and HEAD /claim: the page behind the e-mailed link, which consumes nothing; $default."""

from cardvault.claims import page
from cardvault.errors import NotFound
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response

answer = page.answer()


# Mail programs and newsletters add parameters of their own to links.
@endpoint(raises={"claim": (), "$default": (NotFound,)}, query=None)
def handler(event: request.Event) -> Response:
    """200 with the page; the link's token is in the fragment and never comes here.

    What no route has is 404, but for a link that was changed on its way: 302 to the page.
    """
    if event["routeKey"] != "$default":
        return answer
    place = page.address_meant(event["rawPath"])
    if place is None:
        raise NotFound("no route has this method and path")
    return {"statusCode": 302, "headers": {**page.HEADERS, "Location": place}, "body": ""}
