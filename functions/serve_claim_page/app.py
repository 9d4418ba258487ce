"""GET and HEAD /claim: the page behind the e-mailed link. It consumes nothing."""

from cardvault.delivery import page
from cardvault.runtime import http

answer = page.answer()


@http.endpoint
def handler(_event: http.Event) -> http.Response:
    """200 with the page; the link's token is in the fragment and never comes here."""
    return answer
