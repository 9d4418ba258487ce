"""JSON as it goes over the wire: money is a Decimal inside and a number with its decimals outside.

The standard encoder can only write binary floats: 100.0 for 100.00, and 0.30000000000000004.
"""

import json
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

LONGEST_NUMBER = 32
"""Characters of a number as it comes, and the decimal exponents that it may have."""


def dumps(value: Any) -> str:
    """The value as compact JSON. A Decimal is written digit for digit: `100.00`."""
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        pairs = (f"{encode_basestring(name)}:{dumps(item)}" for name, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    return json.dumps(value, allow_nan=False)


def loads(text: str) -> Any:
    """JSON with its numbers exact: whole ones as int, others as Decimal.

    Raises ValueError, also on a number that has, or written out would have, more than some
    LONGEST_NUMBER digits.
    """
    return json.loads(text, parse_int=_whole, parse_float=_decimal, parse_constant=_refuse)


def is_modest(number: Decimal) -> bool:
    """Whether it may be written out: `1e60000000` would take 60 MB."""
    return number.is_finite() and abs(number.adjusted()) <= LONGEST_NUMBER


def _whole(digits: str) -> int:
    _expect_short(digits)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    _expect_short(digits)
    try:
        number = Decimal(digits)
    except ArithmeticError:  # an exponent that no Decimal has
        raise ValueError("no such number") from None
    if not is_modest(number):
        raise ValueError("too long a number")
    return number


def _expect_short(digits: str) -> None:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("too long a number")


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
