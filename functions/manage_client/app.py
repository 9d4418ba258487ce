"""Invoked under IAM: API clients, and the supplier's key."""

from typing import Any

from cardvault.identity.clients import ApiClient
from cardvault.identity.manage import ManageClients
from cardvault.runtime import aws, tables
from cardvault.runtime.settings import Settings
from cardvault.runtime.tasks import operator_action

settings = Settings()
tables.bind(ApiClient, settings.clients_table)
manage_clients = ManageClients(aws.secrets_manager(), settings.supplier_secret_arn)


@operator_action
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Carries out `{"action": create | rotate | revoke | set_supplier_key, …}`."""
    return manage_clients(event)
