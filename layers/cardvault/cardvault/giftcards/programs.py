"""Programs: whose gift cards, in which currency, within which limits. Made by operators."""

from datetime import timedelta
from typing import Any

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from cardvault.aws.attributes import WholeNumber
from cardvault.aws.tables import Record
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.core.ids import new_id
from cardvault.errors import InvalidRequest, ProgramNotFound
from cardvault.giftcards.fields import checker
from cardvault.giftcards.ledger.money import NOT_IN_CENTS, amount, minor_units
from cardvault.http.caller import Caller
from cardvault.http.fields import AMOUNT, CURRENCY, ID, Schema, name

HIGHEST_LIMIT = 100_000_000
LONGEST_LIFE_DAYS = 5 * 366

# The limits and their defaults in minor units, by attribute.
DEFAULT_LIMITS = {
    "max_initial_value": 10_000_00,
    "max_reload": 5_000_00,
    "max_transfer": 5_000_00,
    "max_balance": 10_000_00,
}


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


_DAYS: Schema = {"type": "integer", "minimum": 1, "maximum": LONGEST_LIFE_DAYS}
_LIMITS = {getattr(ProgramRecord, limit).attr_name: limit for limit in DEFAULT_LIMITS}
_LIVES = {"defaultExpiryDays": "default_expiry_days", "maxExpiryDays": "max_expiry_days"}
_TERMS: Schema = {**dict.fromkeys(_LIMITS, AMOUNT), **dict.fromkeys(_LIVES, _DAYS)}
_ACTION: Schema = {"action": {"type": "string"}}
_check_create = checker(
    {"name": name(100), "tenantId": ID, "currency": CURRENCY}, {**_ACTION, **_TERMS}
)
_check_update = checker({"programId": ID}, {**_ACTION, "name": name(100), **_TERMS})
_check_get = checker({"programId": ID}, _ACTION)


def create(request: dict[str, Any], *, clock: Clock = utc_now) -> ProgramRecord:
    """A new program from `{"name", "tenantId", "currency", …limits}`. Raises InvalidRequest."""
    wanted = _check_create(request)
    if wanted["currency"] in NOT_IN_CENTS:
        raise InvalidRequest("currency must have two decimals")
    now = clock()
    terms = {**DEFAULT_LIMITS, "default_expiry_days": 365, "max_expiry_days": LONGEST_LIFE_DAYS}
    program = ProgramRecord(
        new_id(now),
        tenant_id=wanted["tenantId"],
        name=wanted["name"],
        currency=wanted["currency"],
        created_at=to_text(now),
        updated_at=to_text(now),
    )
    _set_terms(program, {**terms, **_terms(wanted)})
    program.save(condition=ProgramRecord.program_id.does_not_exist())
    return program


def update(request: dict[str, Any], *, clock: Clock = utc_now) -> ProgramRecord:
    """The program `{"programId"}` with another name or limits; its currency stays.

    Raises InvalidRequest, ProgramNotFound.
    """
    wanted = _check_update(request)
    program = find(wanted["programId"])
    program.name = wanted.get("name", program.name)
    program.updated_at = to_text(clock())
    _set_terms(program, _terms(wanted))
    program.save(condition=ProgramRecord.program_id.exists())
    return program


def get(request: dict[str, Any]) -> ProgramRecord:
    """The program `{"programId"}`. Raises InvalidRequest, ProgramNotFound."""
    return find(_check_get(request)["programId"])


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


def view(program: ProgramRecord) -> dict[str, Any]:
    """The program as operators see it."""
    return {
        "programId": program.program_id,
        "tenantId": program.tenant_id,
        "name": program.name,
        "currency": program.currency,
        **{shown: amount(getattr(program, limit)) for shown, limit in _LIMITS.items()},
        **{shown: getattr(program, days) for shown, days in _LIVES.items()},
        "createdAt": program.created_at,
        "updatedAt": program.updated_at,
    }


def _terms(wanted: dict[str, Any]) -> dict[str, int]:
    """The terms that a request sets, by attribute: limits in minor units, lives in days."""
    limits = {
        attribute: minor_units(given, wanted[given], most=HIGHEST_LIMIT)
        for given, attribute in _LIMITS.items()
        if given in wanted
    }
    return {**limits, **{_LIVES[given]: wanted[given] for given in _LIVES if given in wanted}}


def _set_terms(program: ProgramRecord, terms: dict[str, int]) -> None:
    for attribute, value in terms.items():
        setattr(program, attribute, value)
    if program.default_expiry_days > program.max_expiry_days:
        raise InvalidRequest("defaultExpiryDays must not pass maxExpiryDays")
    if program.max_initial_value > program.max_balance:
        raise InvalidRequest("maxInitialValue must not pass maxBalance")
