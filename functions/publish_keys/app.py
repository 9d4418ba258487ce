"""GET /.well-known/…: the issuer's discovery document and its public key."""

from cardvault.errors import NotFound
from cardvault.identity.discovery import Discovery
from cardvault.identity.signing import SigningKey
from cardvault.runtime import aws, http
from cardvault.runtime.settings import Settings

settings = Settings()
signing_key = SigningKey.read(aws.kms(), settings.signing_key_arn)
discovery = Discovery(signing_key.jwk, settings.token_issuer)


@http.endpoint
def handler(event: http.Event) -> http.Response:
    """200 with the document of that path; it is public and may be kept for minutes."""
    document = discovery.document(event["rawPath"])
    if document is None:
        raise NotFound
    return http.respond(200, document, {"Cache-Control": "public, max-age=300"})
