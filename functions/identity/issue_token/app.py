"""POST /v2/token: an access token for an API client."""

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.errors import BodyTooLarge
from cardvault.http import request
from cardvault.http.body import text_body
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.identity.clients import ApiClient
from cardvault.identity.signing import SigningKey
from cardvault.identity.tokens import IssueToken, TokenRefused

settings = Settings()
tables.use(settings, ApiClient)
issue_token = IssueToken(
    SigningKey.read(boto_clients.kms(), settings.signing_key_arn),
    settings.token_issuer,
    settings.token_audience,
    settings.token_lifetime,
)


@endpoint(raises=(BodyTooLarge,))
def handler(event: request.Event) -> Response:
    """200 with the token, or 400 and 401 as RFC 6749 says."""
    authorization = request.header(event, "authorization")
    try:
        return respond(200, issue_token(text_body(event), authorization))
    except TokenRefused as refused:
        body = {"error": refused.error, "error_description": str(refused)}
        if refused.error != "invalid_client":
            return respond(400, body)
        return respond(401, body, {"WWW-Authenticate": 'Basic realm="cardvault"'})
