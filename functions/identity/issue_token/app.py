"""POST /v2/token: an access token for an API client."""

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.errors import BodyTooLarge, InvalidRequest
from cardvault.http import request
from cardvault.http.body import text_body
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.identity.clients import ApiClient
from cardvault.identity.signing import SigningKey
from cardvault.identity.tokens import IssueToken, TokenRefused, expect_form

settings = Settings()
tables.use(settings, ApiClient)
issue_token = IssueToken(
    SigningKey.read(boto_clients.kms(), settings.signing_key_arn),
    settings.token_issuer,
    settings.token_audience,
    settings.token_lifetime,
)


# Parameters that are not known are ignored (RFC 6749, section 3.2).
@endpoint(raises=(BodyTooLarge,), query=None)
def handler(event: request.Event) -> Response:
    """200 with the token, or 400 and 401 as RFC 6749 says."""
    authorization = request.header(event, "authorization")
    try:
        expect_form(request.header(event, "content-type"))
        return respond(200, issue_token(text_body(event), authorization))
    except TokenRefused as refused:
        return _refuse(refused.error, str(refused))
    except InvalidRequest as refused:
        return _refuse("invalid_request", str(refused))


def _refuse(error: str, description: str) -> Response:
    body = {"error": error, "error_description": description}
    if error != "invalid_client":
        return respond(400, body)
    return respond(401, body, {"WWW-Authenticate": 'Basic realm="cardvault"'})
