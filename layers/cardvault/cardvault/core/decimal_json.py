"""JSON as it goes over the wire: money is a Decimal inside and a number with its decimals outside.

The standard encoder can only write binary floats: 100.0 for 100.00, and 0.30000000000000004.
"""

import json
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any


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
    """JSON with its numbers exact: whole ones as int, others as Decimal. Raises ValueError."""
    return json.loads(text, parse_float=Decimal, parse_constant=_refuse)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
