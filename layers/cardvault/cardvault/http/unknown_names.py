"""Names that a request has and we do not know: refused, and told so that one finds the mistake.

What is not known is never ignored. A filter with a slip in its name would answer with everything.
"""

import difflib
import re
from collections.abc import Collection

_LIKE_A_NAME = re.compile("[a-z][A-Za-z_]{0,39}")


def may_be_told(name: str) -> bool:
    """Whether it looks like a name; what does not could be a pasted code or number."""
    return _LIKE_A_NAME.fullmatch(name) is not None


def of_field(path: str, name: str, known: Collection[str]) -> str:
    """The message about a field of the object at `path` (empty: the body itself)."""
    if not may_be_told(name):
        return f"{path or 'body'} has a field that is not known"
    meant = _meant(name, known)
    told = f"{path}.{name} is not known" if path else f"{name} is not known"
    return f"{told}; did you mean {meant}?" if meant else told


def of_parameter(name: str, known: Collection[str]) -> str:
    """The message about a parameter of a query."""
    told = f"the query parameter {name}" if may_be_told(name) else "a query parameter"
    return f"{told} is not known; known are {', '.join(known) or 'none'}"


def _meant(name: str, known: Collection[str]) -> str | None:
    by_spelling = {_spelling(one): one for one in known}
    close = difflib.get_close_matches(_spelling(name), by_spelling, n=1, cutoff=0.75)
    return by_spelling[close[0]] if close else None


def _spelling(name: str) -> str:
    """`merchant_id` and `merchantId` are one name."""
    return name.replace("_", "").lower()
