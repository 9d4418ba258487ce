"""How long orders keep cards and customers' addresses: the stack's policy, and tenants' own.

Numbers of days, 0 for ever. For what a tenant has no number, the stack's counts. The tenants'
numbers lie beside the orders under one key, so that one query reads them all.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pynamodb.attributes import UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.attributes import WholeNumber
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import actions_of

_TENANTS = "RETENTION#TENANTS"


class TenantRetention(Record):
    """A tenant's own numbers of days."""

    class Meta:
        setting = "orders_table"

    key = UnicodeAttribute(hash_key=True, attr_name="orderId", default=_TENANTS)
    tenant_id = UnicodeAttribute(range_key=True, attr_name="sk")
    shred_after_days = WholeNumber(attr_name="shredAfterDays", null=True)
    shred_after_delivery_days = WholeNumber(attr_name="shredAfterDeliveryDays", null=True)
    erase_after_days = WholeNumber(attr_name="eraseAfterDays", null=True)


@dataclass(frozen=True, slots=True)
class Retention:
    """Days after storing, and after delivery, until cards are shredded; and until addresses go."""

    shred_after_days: int = 0
    shred_after_delivery_days: int = 0
    erase_after_days: int = 0

    @property
    def is_on(self) -> bool:
        """Whether anything ends at all."""
        return any(asdict(self).values())

    def overridden_by(self, own: TenantRetention) -> "Retention":
        """The same with a tenant's own numbers."""
        stacks = asdict(self)
        return Retention(
            **{name: _own_or(getattr(own, name), days) for name, days in stacks.items()}
        )


def _own_or(own: int | None, stacks: int) -> int:
    return stacks if own is None else own


def of_tenants(stacks: Retention) -> dict[str, Retention]:
    """The retention of each tenant with numbers of its own."""
    found = TenantRetention.query(_TENANTS, consistent_read=True)
    return {str(own.tenant_id): stacks.overridden_by(own) for own in tables.read_all(found)}


def find(tenant_id: str) -> TenantRetention:
    """The tenant's own numbers, none if there are none yet."""
    own = TenantRetention(_TENANTS, tenant_id)
    return tables.find(TenantRetention, _TENANTS, tenant_id) or own


def change(tenant_id: str, days: Mapping[str, int | None]) -> None:
    """Set some of the tenant's numbers; None is to have none of its own."""
    own = TenantRetention(_TENANTS, tenant_id)
    tables.update_item(own, actions_of(TenantRetention, days))
