"""CloudFormation: make the API wait until the issuer answers, or say why it does not."""

from typing import Any

from cardvault.aws.custom_resource import custom_resource
from cardvault.identity.readiness import AwaitIssuer

await_issuer = AwaitIssuer()


@custom_resource
def handler(properties: dict[str, Any], seconds: float) -> None:
    """Takes the property Issuer, an address."""
    await_issuer(properties["Issuer"], seconds)
