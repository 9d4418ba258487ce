"""POST /v2/token: an access token for an API client."""

from cardvault.identity.clients import ApiClient
from cardvault.identity.signing import SigningKey
from cardvault.identity.tokens import IssueToken, TokenRefused
from cardvault.runtime import aws, http, tables
from cardvault.runtime.settings import Settings

settings = Settings()
tables.bind(ApiClient, settings.clients_table)
issue_token = IssueToken(
    SigningKey.read(aws.kms(), settings.signing_key_arn),
    settings.token_issuer,
    settings.token_audience,
    settings.token_lifetime,
)


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with the token, or 400 and 401 as RFC 6749 says."""
    authorization = http.header(event, "authorization")
    try:
        return http.respond(200, issue_token(http.text_body(event), authorization))
    except TokenRefused as refused:
        body = {"error": refused.error, "error_description": str(refused)}
        if refused.error != "invalid_client":
            return http.respond(400, body)
        return http.respond(401, body, {"WWW-Authenticate": 'Basic realm="cardvault"'})
