"""Money: whole minor units inside (`12345`), a number with two decimals outside (`123.45`)."""

from decimal import Decimal
from typing import Any

from cardvault.errors import InvalidRequest
from cardvault.http import fields

SMALLEST = 1

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


def minor_units(
    name: str, value: Any, *, least: int | None = SMALLEST, most: int | None = None
) -> int:
    """The minor units of a field of a body, a JSON number or a text of digits.

    Nothing is rounded. Raises InvalidRequest, naming the field, on more than two decimals, on
    anything that is no amount, and outside of `least` to `most` (in minor units).
    """
    found = int(fields.amount(name, value).scaleb(2))
    expect_within(name, found, least=least, most=most)
    return found


def expect_within(
    name: str, found: int, *, least: int | None = None, most: int | None = None
) -> None:
    """Raises InvalidRequest, naming the field, when it is outside of `least` to `most`."""
    if least is not None and found < least:
        raise InvalidRequest(f"{name} must be at least {amount(least)}")
    if most is not None and found > most:
        raise InvalidRequest(f"{name} must be at most {amount(most)}")
