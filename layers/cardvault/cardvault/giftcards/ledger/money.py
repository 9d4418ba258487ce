"""Money: whole minor units inside (`12345`), a number with two decimals outside (`123.45`)."""

import re
from decimal import Decimal
from typing import Any

from cardvault.errors import Unprocessable

SMALLEST = 1
_TEXT = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,2})?")

# ISO 4217 codes with another number of decimals than two, or none at all.
# Source: https://www.six-group.com/en/products-services/financial-information/data-standards.html
# fmt: off
NOT_IN_CENTS = frozenset({
    "BHD", "BIF", "CLF", "CLP", "DJF", "GNF", "IQD", "ISK", "JOD", "JPY", "KMF", "KRW", "KWD",
    "LYD", "OMR", "PYG", "RWF", "TND", "UGX", "UYI", "UYW", "VND", "VUV", "XAF", "XAG", "XAU",
    "XBA", "XBB", "XBC", "XBD", "XDR", "XOF", "XPD", "XPF", "XPT", "XSU", "XTS", "XUA", "XXX",
})
# fmt: on


def amount(minor_units: int) -> Decimal:
    """Minor units as they go over the wire, always with two decimals."""
    return Decimal(minor_units).scaleb(-2)


def minor_units(name: str, value: Any, *, least: int, most: int | None = None) -> int:
    """The minor units of a field of a body, a JSON number or a text of digits.

    Nothing is rounded. Raises Unprocessable, naming the field, on more than two decimals, on
    anything that is no amount, and outside of `least` to `most` (in minor units).
    """
    text = format(value, "f") if _is_modest(value) else str(value)
    if isinstance(value, bool) or not _TEXT.fullmatch(text):
        raise Unprocessable(f"{name} must be an amount with at most two decimals")
    found = int(Decimal(text).scaleb(2))
    if found < least:
        raise Unprocessable(f"{name} must be at least {amount(least)}")
    if most is not None and found > most:
        raise Unprocessable(f"{name} must be at most {amount(most)}")
    return found


def _is_modest(value: Any) -> bool:
    """Whether it is a Decimal of few digits: `1e999999` must not be written out."""
    if not isinstance(value, Decimal):
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -9 <= exponent <= 9
