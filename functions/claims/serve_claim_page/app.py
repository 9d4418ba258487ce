"""GET and HEAD /claim: the page behind the e-mailed link. It consumes nothing."""

from cardvault.claims import page
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response

answer = page.answer()


# Mail programs and newsletters add parameters of their own to links.
@endpoint(raises=(), query=None)
def handler(_event: request.Event) -> Response:
    """200 with the page; the link's token is in the fragment and never comes here."""
    return answer
