"""What opens a link besides the link: a one-time code, or a passcode."""

import hmac
import re
from datetime import datetime, timedelta

from cardvault.core import typed
from cardvault.core.clock import from_text
from cardvault.errors import InvalidRequest
from cardvault.links import AccessLink
from cardvault.orders.recipient import (
    LONGEST_PASSCODE,
    SHORTEST_PASSCODE,
    Protection,
    passcode_fits,
)
from cardvault.orders.records import OrderRecord

CODE_LIFETIME = timedelta(minutes=10)
_HASH_BYTES = 32
_ONE_TIME_CODE = re.compile("[0-9]{6}")


def hash_code(token: str, code: str) -> bytes:
    """HMAC of an e-mailed code under the link's token, which is stored nowhere.

    So a reader of the table cannot try the million codes against it.
    """
    return hmac.digest(token.encode(), b"code " + code.encode(), "sha256")


def read(protection: str, text: str) -> str:
    """The code as it was meant. Raises InvalidRequest for what can be none."""
    if protection == Protection.NONE:
        return ""
    if not typed.line(text):
        raise InvalidRequest("code is required")
    if protection == Protection.OTP:
        code = typed.digits(text)
        if not _ONE_TIME_CODE.fullmatch(code):
            raise InvalidRequest("code must be 6 digits")
        return code
    if not SHORTEST_PASSCODE <= len(typed.passcode(text)) <= LONGEST_PASSCODE:
        raise InvalidRequest(f"code must have {SHORTEST_PASSCODE} to {LONGEST_PASSCODE} characters")
    return text


def fits(order: OrderRecord, link: AccessLink, token: str, given: str, now: datetime) -> bool:
    """Whether what was given, as `read` has it, opens the link now."""
    if order.guarded_by == Protection.NONE:
        return True
    if order.guarded_by == Protection.PASSCODE:
        return order.passcode_hash is not None and passcode_fits(given, order.passcode_hash)
    if link.code_hash is None or link.code_sent_at is None:
        return False
    in_time = now < from_text(link.code_sent_at) + CODE_LIFETIME
    same = hmac.compare_digest(hash_code(token, given), link.code_hash)
    return in_time and same


def is_too_old(link: AccessLink, token: str, given: str) -> bool:
    """Whether it was right once: slow mail, or one more press, makes nobody a guesser."""
    given_hash = hash_code(token, given)
    return any(hmac.compare_digest(given_hash, known) for known in known_codes(link))


def known_codes(link: AccessLink) -> list[bytes]:
    """The hashes of all codes that were sent for the link."""
    former: bytes = link.former_codes or b""
    starts = range(0, len(former), _HASH_BYTES)
    known = [former[start : start + _HASH_BYTES] for start in starts]
    return known if link.code_hash is None else [*known, link.code_hash]
