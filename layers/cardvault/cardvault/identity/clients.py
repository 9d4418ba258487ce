"""API clients: who may ask for tokens, for which tenant and with which scopes.

A client's secret is 256 random bits, shown once; only its SHA-256 is kept (a slow hash guards
guessable passwords, which this is not). After a rotation the old secret works for a while.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import ListAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action

from cardvault.aws import tables
from cardvault.aws.retries import retry_lost_races
from cardvault.aws.tables import Record
from cardvault.core.clock import Clock, from_text, to_text, utc_now
from cardvault.core.ids import is_id, new_id
from cardvault.errors import NotFound

SCOPES = (
    "orders:read",
    "orders:write",
    "orders:adopt",
    "orders:correct",
    "orders:erase",
    "cards:reveal",
    "cards:shred",
    "audit:read",
    "giftcards:read",
    "giftcards:issue",
    "giftcards:load",
    "giftcards:redeem",
    "giftcards:manage",
    "users:act-as",
)
OLD_SECRET_LIFETIME = timedelta(hours=24)
REPEAT_WITHIN = timedelta(minutes=5)
SECRET_BYTES = 32


class ClientNotFound(NotFound):
    """No such API client."""

    code = "CLIENT_NOT_FOUND"
    message = "API client not found"


class ApiClient(Record):
    """An API client as stored; secrets as SHA-256, hex."""

    class Meta:
        setting = "clients_table"

    client_id = UnicodeAttribute(hash_key=True, attr_name="clientId")
    tenant_id = UnicodeAttribute(attr_name="tenantId")
    name = UnicodeAttribute()
    scopes: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute)
    secret_hash = UnicodeAttribute(attr_name="secretHash")
    old_secret_hash = UnicodeAttribute(attr_name="oldSecretHash", null=True)
    old_secret_until = UnicodeAttribute(attr_name="oldSecretUntil", null=True)
    created_at = UnicodeAttribute(attr_name="createdAt")
    revoked_at = UnicodeAttribute(attr_name="revokedAt", null=True)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A client and the secret that is shown this once."""

    client: ApiClient
    secret: str = field(repr=False)


def create(
    name: str, scopes: list[str], tenant_id: str | None = None, *, clock: Clock = utc_now
) -> NewSecret:
    """A client for a tenant, or for a new tenant when none is named."""
    now, secret = clock(), _new_secret()
    client = ApiClient(
        new_id(now),
        tenant_id=tenant_id or new_id(now),
        name=name,
        scopes=scopes,
        secret_hash=_hash(secret),
        created_at=to_text(now),
    )
    client.save(condition=ApiClient.client_id.does_not_exist())
    return NewSecret(client, secret)


@retry_lost_races
def rotate(client_id: str, *, clock: Clock = utc_now) -> NewSecret:
    """A new secret; the one until now works for OLD_SECRET_LIFETIME. Raises ClientNotFound.

    Within REPEAT_WITHIN of a rotation it replaces the new secret alone: the request of one whose
    answer was lost comes again, and must not end the secret that is in use. Raises TooManyWriters.
    """
    client, secret, now = find(client_id), _new_secret(), clock()
    changes: list[Action] = [ApiClient.secret_hash.set(_hash(secret))]
    if not _was_rotated_since(client, now - REPEAT_WITHIN):
        changes += [
            ApiClient.old_secret_hash.set(client.secret_hash),
            ApiClient.old_secret_until.set(to_text(now + OLD_SECRET_LIFETIME)),
        ]
    tables.update(client, changes, ApiClient.secret_hash == client.secret_hash)
    return NewSecret(client, secret)


def _was_rotated_since(client: ApiClient, moment: datetime) -> bool:
    if client.old_secret_until is None:
        return False
    return from_text(client.old_secret_until) - OLD_SECRET_LIFETIME > moment


def revoke(client_id: str, *, clock: Clock = utc_now) -> ApiClient:
    """No more tokens for this client, at once. Raises ClientNotFound."""
    client = find(client_id)
    tables.update_item(client, [ApiClient.revoked_at.set(to_text(clock()))])
    return client


def authenticate(client_id: str, secret: str, *, clock: Clock = utc_now) -> ApiClient | None:
    """The client whose secret this is, None for unknown, wrong and revoked alike."""
    try:
        client = find(client_id) if is_id(client_id) else None
    except ClientNotFound:
        client = None
    stored = client.secret_hash if client else _hash("")
    old = _live_old_hash(client, clock)
    given = _hash(secret)
    matches = hmac.compare_digest(given, stored) | hmac.compare_digest(given, old)
    return client if client and matches and client.revoked_at is None else None


def _live_old_hash(client: ApiClient | None, clock: Clock) -> str:
    if client is None or not (client.old_secret_hash and client.old_secret_until):
        return "-" * 64
    return client.old_secret_hash if clock() < from_text(client.old_secret_until) else "-" * 64


def find(client_id: str) -> ApiClient:
    """The client, read consistently. Raises ClientNotFound."""
    try:
        return ApiClient.get(client_id, consistent_read=True)
    except DoesNotExist:
        raise ClientNotFound from None


def _new_secret() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def view(client: ApiClient) -> dict[str, Any]:
    """The client as operators see it, without secrets."""
    return {
        "clientId": client.client_id,
        "tenantId": client.tenant_id,
        "name": client.name,
        "scopes": list(client.scopes),
    }
