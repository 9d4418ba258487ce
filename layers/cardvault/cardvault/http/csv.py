"""CSV (RFC 4180) that a spreadsheet reads as UTF-8 and never runs.

It may still take digits for a number: people get another file, `downloads/spreadsheet.py`.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

# With these a spreadsheet takes a cell for a formula, the full-width signs included. Where lists
# are separated by semicolons, it begins a cell after each, quoted or not; others do so after tabs
# and line ends.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
_STARTS_A_FORMULA = re.compile(r"(^|[;\t\r\n])([ \"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")

# Without it Excel takes UTF-8 for the code page of its country.
BYTE_ORDER_MARK = "\ufeff"


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The rows under their columns, every cell in quotes; None is an empty cell.

    A text gets an apostrophe wherever a spreadsheet would begin to calculate.
    """
    text = io.StringIO()
    text.write(BYTE_ORDER_MARK)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return _STARTS_A_FORMULA.sub(r"\1\2'", value) if isinstance(value, str) else str(value)
