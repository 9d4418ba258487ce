"""Access links: claim links and download tokens, each 256 random bits that its holder alone has.

Only a token's SHA-256 is stored. DynamoDB's TTL removes a link days late and is housekeeping;
what counts is the expiry in the condition of every write that uses one. A used, expired, locked
or replaced link stays for PURGE_AFTER, so that a try with it can be distinguished from a guess.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pynamodb.attributes import (
    BinaryAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
)

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws import tables
from cardvault.aws.failures import refuse_anyway
from cardvault.aws.metrics import count
from cardvault.aws.retries import retry_lost_races
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core.clock import Clock, to_text
from cardvault.orders import store
from cardvault.orders.records import ORDER_RECORDS, OrderRecord
from cardvault.orders.refusals import audited_reason

TOKEN_BYTES = 32
# For an order, whatever codes and links were sent for it, until the shop gives the address again.
MOST_WRONG_TRIES = 5
PURGE_AFTER = timedelta(days=30)
UNKNOWN = "LINK_UNKNOWN"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


class Kind(StrEnum):
    """What a link opens."""

    CLAIM = "claim"
    DOWNLOAD = "download"


class State(StrEnum):
    """Whether a link still opens anything: only while LIVE and before its expiry."""

    LIVE = "live"
    USED = "used"
    LOCKED = "locked"
    REPLACED = "replaced"


class AccessLink(Record):
    """A link as stored. Times are RFC 3339 texts in UTC, but for the TTL's."""

    class Meta:
        setting = "links_table"

    token_hash = UnicodeAttribute(hash_key=True, attr_name="tokenHash")
    kind = UnicodeAttribute()
    state = UnicodeAttribute(default=State.LIVE)
    order_id = UnicodeAttribute(attr_name="orderId")
    created_at = UnicodeAttribute(attr_name="createdAt")
    expires_at = UnicodeAttribute(attr_name="expiresAt")
    purge_at = TTLAttribute(attr_name="purgeAt")
    used_at = UnicodeAttribute(attr_name="usedAt", null=True)
    session_hash = UnicodeAttribute(attr_name="sessionHash", null=True)
    refusals = NumberAttribute(null=True)
    shown = NumberAttribute(null=True)

    # of a claim link
    files = NumberAttribute(null=True)
    opened_at = UnicodeAttribute(attr_name="openedAt", null=True)
    wrong_tries = NumberAttribute(attr_name="wrongTries", default=0)
    code_hash = BinaryAttribute(legacy_encoding=False, attr_name="codeHash", null=True)
    former_codes = BinaryAttribute(legacy_encoding=False, attr_name="formerCodes", null=True)
    code_sent_at = UnicodeAttribute(attr_name="codeSentAt", null=True)
    codes_sent = NumberAttribute(attr_name="codesSent", default=0)

    # of a download token
    object_key = UnicodeAttribute(attr_name="objectKey", null=True)
    card_count = NumberAttribute(attr_name="cardCount", null=True)


LINK_RECORDS = (*ORDER_RECORDS, AccessLink)
"""What every use of a link writes: the link, and its order."""


def hash_token(token: str) -> str:
    """SHA-256, hex: for what has 256 random bits a slow hash adds nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(text: str) -> bool:
    """Whether it has the form of a token, of a link or not."""
    return _TOKEN.fullmatch(text) is not None


def make(
    kind: Kind, order_id: str, *, now: datetime, lifetime: timedelta, **attributes: Any
) -> tuple[str, AccessLink]:
    """A new token, and the link that knows it by its hash, yet to be saved."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = AccessLink(
        hash_token(token),
        kind=kind,
        order_id=order_id,
        created_at=to_text(now),
        expires_at=to_text(now + lifetime),
        purge_at=now + lifetime + PURGE_AFTER,
        **attributes,
    )
    return token, link


def find(kind: Kind, token: str) -> AccessLink | None:
    """The link of that token, read consistently, whatever its state; None if there is none."""
    link = tables.find(AccessLink, hash_token(token)) if is_token(token) else None
    return link if link is not None and link.kind == kind else None


def is_known(link: AccessLink, order: OrderRecord) -> bool:
    """Whether a claim link counts: the order names it too, so writing links alone makes none."""
    return link.kind != Kind.CLAIM or bool(link.token_hash == order.link_hash)


def fault(link: AccessLink, order: OrderRecord, now: datetime) -> str | None:
    """Why the link cannot be used, as the audit trail has it; None if it can."""
    if link.state != State.REPLACED and not is_known(link, order):
        return UNKNOWN
    if link.state != State.LIVE:
        return f"LINK_{link.state.upper()}"
    return None if to_text(now) < link.expires_at else "LINK_EXPIRED"


def use(work: UnitOfWork, link: AccessLink, now: datetime, **attributes: Any) -> None:
    """Change the link in the unit of work, if it is still live, as it was read, and not late.

    An attribute given as None is removed.
    """
    still_live = AccessLink.state == State.LIVE
    not_expired = AccessLink.expires_at > to_text(now)
    no_try_since = AccessLink.wrong_tries == link.wrong_tries
    work.update(link, attributes, still_live & not_expired & no_try_since)


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a link was before it was replaced."""

    token_hash: str
    state: str
    session_hash: str | None


def replace(work: UnitOfWork, token_hash: str) -> Replaced | None:
    """End a link in the unit of work, and every session that it opened.

    Returns what it was; None if it is purged.
    """
    link = tables.find(AccessLink, token_hash)
    if link is None:
        return None
    before = Replaced(token_hash, link.state, link.session_hash)
    ended = {"state": State.REPLACED, "session_hash": None}
    work.update(link, ended, AccessLink.state == before.state)
    return before


def restore(work: UnitOfWork, replaced: Replaced) -> None:
    """Make a link in the unit of work what it was before it was replaced."""
    before = {"state": replaced.state, "session_hash": replaced.session_hash}
    work.update(AccessLink(replaced.token_hash), before, AccessLink.state == State.REPLACED)


def count_up(link: AccessLink, counter: str) -> int:
    """Count on the link, and return what the counter says then."""
    one_more, is_there = [getattr(AccessLink, counter).add(1)], AccessLink.token_hash.exists()
    retry_lost_races(tables.update)(link, one_more, is_there)
    return int(getattr(link, counter))


def record_refusal(
    link: AccessLink, event: EventName, reason: str, origin: dict[str, Any], *, clock: Clock
) -> None:
    """Count a refused try on the link, and audit it if its number has an event. Raises nothing."""
    count("LinkRefused")
    if reason == UNKNOWN:
        count("ForgedRecord")
    refuse_anyway(lambda: _record(link, event, reason, origin, clock))


def _record(
    link: AccessLink, event: EventName, reason: str, origin: dict[str, Any], clock: Clock
) -> None:
    audited = audited_reason(reason, count_up(link, "refusals"))
    if audited is None:
        return
    order = store.find(link.order_id)
    store.record_event(order, Event(event, reason=audited, **origin), clock=clock)
