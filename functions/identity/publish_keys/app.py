"""GET /.well-known/…: the issuer's discovery document and its public keys."""

from cardvault.aws import boto_clients
from cardvault.aws.settings import Settings
from cardvault.errors import NotFound
from cardvault.http import request
from cardvault.http.endpoint import endpoint
from cardvault.http.response import Response, respond
from cardvault.identity.discovery import Discovery
from cardvault.identity.signing import SigningKey

settings = Settings()
arns = filter(None, (settings.signing_key_arn, settings.published_key_arn))
jwks = [SigningKey.read(boto_clients.kms(), arn).jwk for arn in arns]
discovery = Discovery(jwks, settings.token_issuer)


@endpoint(raises=(), query=None)
def handler(event: request.Event) -> Response:
    """200 with the document of that path; it is public and may be kept for minutes."""
    document = discovery.document(event["rawPath"])
    if document is None:
        raise NotFound
    return respond(200, document, {"Cache-Control": "public, max-age=300"})
