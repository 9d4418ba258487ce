"""Who is asking, as the access token says that API Gateway has verified."""

import re
from dataclasses import dataclass
from typing import Any

from cardvault.core.ids import is_id
from cardvault.errors import Forbidden, Unauthenticated

_SUBJECT = re.compile(r"[^#\x00-\x1f]{1,128}")


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request, and where it came from.

    `user_id` is the token's `sub`: a user of the tenant, or the API client itself.
    """

    tenant_id: str
    user_id: str
    client_id: str
    scopes: frozenset[str]
    ip_address: str | None = None
    user_agent: str | None = None

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Caller":
        """From an HTTP API event (payload 2.0) that passed the JWT authorizer.

        Raises Unauthenticated when a claim is missing or has not the shape of ours.
        """
        context = event.get("requestContext", {})
        http = context.get("http", {})
        try:
            claims = context["authorizer"]["jwt"]["claims"]
            # Any issuer may be configured; what makes up our keys must have its shape.
            if not is_id(claims["tenant"]) or not _SUBJECT.fullmatch(claims["sub"]):
                raise Unauthenticated
            return cls(
                tenant_id=claims["tenant"],
                user_id=claims["sub"],
                client_id=claims["client_id"],
                scopes=frozenset(claims["scope"].split()),
                ip_address=http.get("sourceIp"),
                user_agent=http.get("userAgent"),
            )
        except KeyError:
            raise Unauthenticated from None

    def require(self, scope: str) -> None:
        """Raises Forbidden, naming the scope, if the token does not carry it."""
        if scope not in self.scopes:
            raise Forbidden(f"this needs the scope {scope}")

    def owns(self, tenant_id: str, user_id: str) -> bool:
        """Whether something of that tenant's user is this caller's (I6)."""
        return (tenant_id, user_id) == (self.tenant_id, self.user_id)

    def audit_actor(self, tenant_id: str) -> dict[str, Any]:
        """The audit actor: what an event of that tenant may say of the caller.

        One tenant's trail does not name another tenant's users and clients (I6).
        """
        origin = {"ip_address": self.ip_address, "user_agent": self.user_agent}
        if tenant_id != self.tenant_id:
            return origin
        return {"user_id": self.user_id, "client_id": self.client_id, **origin}
