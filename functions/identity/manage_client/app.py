"""Invoked under IAM: API clients, tenants' ceilings and retention, and the supplier's key."""

from typing import Any

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.aws.tasks import operator_action
from cardvault.identity.admin import ManageClients
from cardvault.identity.ceilings import CeilingRecord
from cardvault.identity.clients import ApiClient
from cardvault.identity.retention import TenantRetention
from cardvault.supplier import key_check

settings = Settings()
tables.use(settings, ApiClient, CeilingRecord, TenantRetention)
manage_clients = ManageClients(
    boto_clients.secrets_manager(),
    settings.supplier_secret_arn,
    key_check.check_key,
    settings.sandbox_key_allowed,
)


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Carries out `{"action": …}`, by the names that ManageClients has."""
    return manage_clients(event)
