"""Ids: 24 lower-case hex digits, 4 bytes of time and 8 random ones, so that they sort by age."""

import re
import secrets
from datetime import datetime

ID_PATTERN = re.compile(r"[0-9a-f]{24}")


def new_id(now: datetime) -> str:
    """A fresh id whose first 8 digits are `now` in seconds since 1970."""
    return int(now.timestamp()).to_bytes(4, "big").hex() + secrets.token_hex(8)


def is_id(text: str) -> bool:
    """Whether the text has the shape of an id."""
    return ID_PATTERN.fullmatch(text) is not None
