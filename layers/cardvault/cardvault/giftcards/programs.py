"""Programs: whose gift cards, in which currency, within which limits."""

from datetime import timedelta

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from cardvault.aws.attributes import WholeNumber
from cardvault.aws.tables import Record
from cardvault.errors import ProgramNotFound
from cardvault.http.caller import Caller


class ProgramRecord(Record):
    """A program, in a table of its own: who defines programs cannot touch cards (I11)."""

    class Meta:
        setting = "gift_programs_table"

    program_id = UnicodeAttribute(hash_key=True, attr_name="programId")
    tenant_id = UnicodeAttribute(attr_name="tenantId")
    name = UnicodeAttribute()
    currency = UnicodeAttribute()
    max_initial_value = WholeNumber(attr_name="maxInitialValue")
    max_reload = WholeNumber(attr_name="maxReload")
    max_transfer = WholeNumber(attr_name="maxTransfer")
    max_balance = WholeNumber(attr_name="maxBalance")
    default_expiry_days = WholeNumber(attr_name="defaultExpiryDays")
    max_expiry_days = WholeNumber(attr_name="maxExpiryDays")
    created_at = UnicodeAttribute(attr_name="createdAt")
    updated_at = UnicodeAttribute(attr_name="updatedAt")

    @property
    def default_life(self) -> timedelta:
        """How long a card lasts when its issuer names no end."""
        return timedelta(days=self.default_expiry_days)

    @property
    def longest_life(self) -> timedelta:
        """How far ahead an expiry may lie."""
        return timedelta(days=self.max_expiry_days)


def find(program_id: str) -> ProgramRecord:
    """The program. Raises ProgramNotFound."""
    try:
        return ProgramRecord.get(program_id, consistent_read=True)
    except DoesNotExist:
        raise ProgramNotFound from None


def get_owned(program_id: str, caller: Caller) -> ProgramRecord:
    """The caller's program. Raises ProgramNotFound, also when it is another tenant's (I6)."""
    program = find(program_id)
    if program.tenant_id != caller.tenant_id:
        raise ProgramNotFound
    return program
