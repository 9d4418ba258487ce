"""What operators do with programs. Apart from the record, whose readers need no checks of terms."""

from typing import Any

from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.core.ids import new_id
from cardvault.errors import InvalidRequest
from cardvault.giftcards.fields import checker
from cardvault.giftcards.ledger.money import NOT_IN_CENTS, amount, minor_units
from cardvault.giftcards.programs import ProgramRecord, find
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
