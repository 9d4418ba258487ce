"""Why the supplier refused a request, as docs/supplier-contract.md has its codes."""

import re
from email.utils import parsedate_to_datetime

from cardvault import errors
from cardvault.http.outgoing import Answer

LONGEST_RETRY_AFTER_S = 10.0

_OUT_OF_STOCK = {"ERR_STOCK", "OUT_OF_STOCK", "NO_STOCK", "INSUFFICIENT_STOCK"}
_NO_BALANCE = {"NO_BALANCE", "INSUFFICIENT_BALANCE"}
_NOT_LET_IN = {"IP_NOT_ALLOWED", "API_DISABLED"}


def refusal_of(answer: Answer) -> errors.CardvaultError | None:
    """Why the supplier refused, if its answer proves that it did nothing; None if it does not."""
    status, code = answer.status_code, error_code(answer)
    if status == 401:
        return errors.SupplierCredentialsRejected()
    if code == "IP_BLOCKED":
        return errors.SupplierBlocked()
    if status == 429:
        return errors.SupplierThrottled(retry_after(answer))
    if code in _OUT_OF_STOCK:
        return errors.SupplierOutOfStock()
    if code in _NO_BALANCE:
        return errors.SupplierBalanceTooLow()
    if status == 404:
        return errors.SupplierOrderUnknown()
    if status == 400 or code in _NOT_LET_IN:
        return errors.SupplierRejected(f"the supplier answered {status}")
    return None


def error_code(answer: Answer) -> str | None:
    """The code in the answer's body, if it has one."""
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def retry_after(answer: Answer) -> float:
    """How many seconds it asks to wait, up to our ceiling; a moment is counted from its own Date.

    Source: RFC 9110, section 10.2.3.
    """
    raw = answer.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", raw):
        return min(float(raw), LONGEST_RETRY_AFTER_S)
    try:
        until, now = (parsedate_to_datetime(text) for text in (raw, answer.headers.get("Date", "")))
        wait = (until - now).total_seconds()
    except (TypeError, ValueError):  # one of them is no moment, or names no zone
        return 1.0
    return min(max(wait, 1.0), LONGEST_RETRY_AFTER_S)
