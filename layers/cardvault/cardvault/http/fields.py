"""What the fields of a request may hold, for every API: the one home of field validators.

A field is a JSON Schema (draft 7); its `description` completes the sentence "the field …", which
is the message of an error, and `typed` says how to read what a person typed (`core/typed.py`).
`schemas.checker` checks whole bodies with them.
"""

import re
import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Any

from cardvault.core import decimal_json
from cardvault.core.clock import from_text
from cardvault.core.ids import ID_PATTERN
from cardvault.errors import InvalidRequest

Schema = dict[str, Any]

# Unicode's bidirectional controls and its line and paragraph separators: either can make a text
# read as another one. Source: Unicode Standard Annex #9, section 2; CVE-2021-42574
_REORDERING = r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
# Two characters that join letters are not seen either, and Arabic and Indic names and some emoji
# are written with them: between two characters beyond ASCII they are taken.
_JOINED = re.compile(r"(?<=[^\x00-\x7f\u200c\u200d])[\u200c\u200d](?=[^\x00-\x7f\u200c\u200d])")
# What mail programs make a link of, and what looks like a sender, also in full width.
_ADDRESS = re.compile(r"(?i)://|www\.|[@\uff20\ufe6b]")
_AMOUNT = r"[0-9]{1,9}(\.[0-9]{1,2}0{0,10})?"


def _text(pattern: str, description: str) -> Schema:
    return {"type": "string", "pattern": rf"^{pattern}\Z", "description": description}


def name(longest: int) -> Schema:
    """One line of 1 to `longest` characters that nothing turns around, breaks or hides in."""
    described = "must be text without line breaks or control characters"
    pattern = rf"[^\x00-\x1f\x7f-\x9f{_REORDERING}]+"
    bounds = {"minLength": 1, "maxLength": longest}
    return {**_text(pattern, described), **bounds, "format": "visible", "typed": "line"}


def name_in_mail(longest: int) -> Schema:
    """As `name`, for one that our own messages say: it holds no address, of a page or a mailbox."""
    return {**name(longest), "format": "visible-without-address"}


def is_visible(text: str) -> bool:
    """Whether each character is seen, or joins two that are: none of Unicode's category Cf."""
    return all(unicodedata.category(sign) != "Cf" for sign in _JOINED.sub("", text))


def holds_no_address(text: str) -> bool:
    """Whether it is visible, and no mail program makes a link or a sender of it."""
    return is_visible(text) and _ADDRESS.search(text) is None


def text(longest: int) -> Schema:
    """A text of 1 to `longest` characters, as `name` but with line ends and tabs."""
    described = "must be text without control characters"
    pattern = rf"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_REORDERING}]+"
    bounds = {"minLength": 1, "maxLength": longest}
    return {**_text(pattern, described), **bounds, "typed": "line"}


def visible(shortest: int, longest: int) -> Schema:
    """A header of visible ASCII characters."""
    described = f"must be a header of {shortest} to {longest} visible characters"
    return _text(rf"[\x21-\x7e]{{{shortest},{longest}}}", described)


ID = _text(ID_PATTERN.pattern, "must be 24 lower-case hex digits")
# An id of the caller's own making, such as "merchant_123"; also the `sub` of a user's token.
CALLERS_ID = _text(
    r"[A-Za-z0-9][A-Za-z0-9_.:@+|-]{0,127}", "must be 1 to 128 letters, digits or _ . : @ + | -"
)
# SES takes 7-bit addresses; a domain in another script becomes Punycode. The dollar sign is
# written \x24 since fastjsonschema takes each one for the end of the text.
_ATOM = r"[A-Za-z0-9!#\x24%&'*+/=?^_`{|}~-]+"
EMAIL = {
    **_text(
        rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@"
        r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
        r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+",
        "must be an e-mail address, such as ada@example.com",
    ),
    "maxLength": 254,
    "typed": "email",
}
# Source: ITU-T E.164
PHONE = {
    **_text(r"\+[1-9][0-9]{6,14}", "must be a phone number like +442071838750"),
    "typed": "digits",
}
CURRENCY = _text("[A-Z]{3}", "must be a currency code of ISO 4217")
# RFC 3339 with an offset; `moment` reads what passes.
MOMENT: Schema = {"type": "string", "maxLength": 40, "format": "date-time"}
# A JSON number or a text of digits; `amount` reads what passes, to the last digit.
AMOUNT: Schema = {
    "type": ["number", "string"],
    "pattern": rf"^{_AMOUNT}\Z",
    "exclusiveMinimum": 0,
    "exclusiveMaximum": 10**9,
    "description": "must be an amount such as 12.50, above zero, with at most two decimals",
    "typed": "amount",
}
SIGNED_AMOUNT: Schema = {
    **AMOUNT,
    "pattern": rf"^-?{_AMOUNT}\Z",
    "exclusiveMinimum": -(10**9),
    "description": "must be an amount such as 12.50, with at most two decimals",
}
CURSOR: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
IDEMPOTENCY_KEY = visible(1, 128)
# One that opens a session or a download a second time, so it must be hard to guess.
SECRET_IDEMPOTENCY_KEY = visible(32, 128)


def fits(value: str, field: Schema) -> bool:
    """Whether a text has the field's pattern."""
    return re.search(field["pattern"], value) is not None


def idempotency_key(key: str | None, field: Schema = IDEMPOTENCY_KEY) -> str:
    """The key. Raises InvalidRequest if there is none or it is not what `field` says."""
    if key is None or not fits(key, field):
        raise InvalidRequest(f"Idempotency-Key {field['description']}")
    return key


def moment(name: str, value: Any) -> datetime:
    """The moment of a field. Raises InvalidRequest, naming it, on what is none with an offset."""
    try:
        return from_text(value)
    except (TypeError, ValueError):
        raise InvalidRequest(f"{name} must be a moment like 2026-01-31T12:00:00Z") from None


def amount(name: str, value: Any) -> Decimal:
    """The exact amount of a field, a JSON number or a text. Nothing is rounded.

    Raises InvalidRequest, naming the field, on more than two decimals and on what is no amount.
    """
    modest = isinstance(value, Decimal) and decimal_json.is_modest(value)
    digits = format(value, "f") if modest else str(value)
    if isinstance(value, bool) or not fits(digits, SIGNED_AMOUNT):
        raise InvalidRequest(f"{name} {SIGNED_AMOUNT['description']}")
    return Decimal(digits)
