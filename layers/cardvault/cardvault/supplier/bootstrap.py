"""The supplier's client, as every function that calls the supplier has it."""

from cardvault.aws import boto_clients
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.supplier.client import SupplierClient
from cardvault.supplier.lockout import Lockout, bind_lockout


def supplier_client(settings: Settings) -> SupplierClient:
    """The stack's client, with its memory on the Orders table."""
    bind_lockout(settings)
    credentials = CachedSecret(boto_clients.secrets_manager(), settings.supplier_secret_arn)
    return SupplierClient(credentials, Lockout(settings.blocked_pause))
