"""CSV (RFC 4180) that a spreadsheet reads as text and never runs."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

# With these a spreadsheet takes a cell for a formula, the full-width signs included.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, quote_all: bool = False) -> str:
    """The rows under their columns; None is an empty cell. A text gets the formula guard."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    """The cell, a text behind an apostrophe if a spreadsheet would calculate it."""
    if value is None:
        return ""
    guarded = isinstance(value, str) and value.startswith(_STARTS_A_FORMULA)
    return f"'{value}" if guarded else str(value)
