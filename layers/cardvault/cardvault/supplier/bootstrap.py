"""The supplier's client, as every function that calls the supplier has it."""

from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.supplier.circuit_breaker import CircuitBreaker, CircuitBreakerRecord
from cardvault.supplier.client import SupplierClient


def supplier_client(settings: Settings) -> SupplierClient:
    """The stack's client, with its memory on the Orders table."""
    tables.use(settings, CircuitBreakerRecord)
    credentials = CachedSecret(boto_clients.secrets_manager(), settings.supplier_secret_arn)
    circuit_breaker = CircuitBreaker(
        settings.blocked_pause, settings.outage_pause, settings.supplier_requests_per_second
    )
    return SupplierClient(credentials, circuit_breaker)
