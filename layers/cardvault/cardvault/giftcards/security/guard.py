"""Guessing a security code: few tries, then none for a while, whether the card exists or not.

A verdict leaves only after the try is counted under the condition that nobody else was counted
meanwhile: a thousand guesses at once are five guesses. Unknown numbers take the same reads and
the same writes, and lock the same, so that neither the answer nor its time tells them apart.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from pynamodb.attributes import UnicodeAttribute
from pynamodb.exceptions import DoesNotExist

from cardvault.audit import trail
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event, Subject
from cardvault.aws import tables
from cardvault.aws.attributes import WholeNumber
from cardvault.aws.retries import retry_lost_races
from cardvault.aws.tables import Record
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core.clock import Clock, from_text, to_text, utc_now
from cardvault.core.hash_chain import FIRST_PREVIOUS_HASH
from cardvault.errors import TooManyRequests
from cardvault.giftcards.security.vault import CodeVault, NumberVault

MOST_FAILURES = 5
WINDOW = timedelta(hours=1)
MOST_CHECKS_PER_MINUTE = 5
MOST_CHECKS_OF_A_CLIENT_PER_MINUTE = 600
_KEPT_FOR = timedelta(days=1)
_NOBODY = "0" * 24


class Asker(StrEnum):
    """Who gives a code: each has a count of its own, so that neither locks the other out."""

    ANYONE = "NUMBER"
    SHOP = "SHOP"


class CodedCard(Protocol):
    """What a card is to its guard. `code_mac` is None while it has no security code."""

    card_id: str
    tenant_id: str
    code_mac: bytes


class GuardRecord(Record):
    """How often a number was tried in vain, or a caller asked in one minute.

    Former releases kept the head of a card's audit trail of refused codes here (I7).
    `delete_after` is for DynamoDB's TTL, seconds since 1970; nothing is judged by it.
    """

    class Meta:
        setting = "gift_guards_table"

    key = UnicodeAttribute(hash_key=True, attr_name="guardKey")
    tries = WholeNumber(default=0)
    failures = WholeNumber(default=0)
    window_ends_at = UnicodeAttribute(attr_name="windowEndsAt", null=True)
    audit_seq = WholeNumber(attr_name="auditSeq", null=True)
    audit_hash = UnicodeAttribute(attr_name="auditHash", null=True)
    delete_after = WholeNumber(attr_name="deleteAfter", null=True)


@dataclass(frozen=True, slots=True)
class CodeGuard:
    """Judges security codes, and counts."""

    numbers: NumberVault
    codes: CodeVault
    clock: Clock = utc_now

    @retry_lost_races
    def admits(
        self,
        number: str,
        code: str,
        card: "CodedCard | None",
        ip_address: str | None,
        asker: Asker = Asker.SHOP,
        *,
        is_meant: bool = True,
    ) -> bool:
        """Whether this is the code of the card with that number; never if there is no card.

        Nor if another card is meant (`is_meant`): that is refused as a wrong code is, and told in
        the trail of the card with that number. Raises TooManyRequests while the number is locked
        for this kind of asker, without looking at the code.
        """
        now, guard = self.clock(), find_guard(guard_key(self.numbers.index_of(number), asker))
        failures = _failures(guard, now)
        if failures >= MOST_FAILURES:
            raise TooManyRequests(_seconds_until(guard, now))
        card_id, kept = (card.card_id, card.code_mac) if card else (_NOBODY, None)
        right = self.codes.matches(kept, card_id, code) and is_meant
        self._count(guard, 0 if right else failures + 1, card, ip_address, now)
        return right

    def _count(
        self,
        guard: GuardRecord,
        failures: int,
        card: "CodedCard | None",
        ip_address: str | None,
        now: datetime,
    ) -> None:
        seen_tries = guard.tries
        if failures <= 1:
            guard.window_ends_at = to_text(now + WINDOW)
        guard.tries, guard.failures = seen_tries + 1, failures
        work = UnitOfWork()
        if failures and card:
            event = Event(EventName.SECURITY_CODE_REFUSED, ip_address=ip_address)
            subject = Subject(card.card_id, card.tenant_id)
            trail.put_with(work, subject, event, timestamp=to_text(now))
        else:
            _write_as_much(work, guard.key, now)
        # What a former release noted of the card's trail must be in it, so it stays.
        guard.audit_seq = None
        kept_for_ever = guard.audit_hash not in {None, FIRST_PREVIOUS_HASH}
        guard.delete_after = None if kept_for_ever else int((now + _KEPT_FOR).timestamp())
        unchanged = (
            GuardRecord.key.does_not_exist() if not seen_tries else GuardRecord.tries == seen_tries
        )
        work.save(guard, condition=unchanged)
        work.commit()

    def check_rate_of_address(self, ip_address: str | None) -> None:
        """Count a request of this address. Raises TooManyRequests past its limit per minute."""
        self._check_rate(f"caller {_network(ip_address)}", MOST_CHECKS_PER_MINUTE)

    def check_rate_of_client(self, tenant_id: str, client_id: str) -> None:
        """Count a request of this API client, from wherever. Raises TooManyRequests as above."""
        self._check_rate(f"client {tenant_id} {client_id}", MOST_CHECKS_OF_A_CLIENT_PER_MINUTE)

    def _check_rate(self, caller: str, most: int) -> None:
        now = self.clock()
        minute = int(now.timestamp()) // 60
        whom = self.numbers.fingerprint(caller).hex()[:32]
        guard = GuardRecord(f"CALLER#{whom}#{minute}")
        delete_after = int((now + _KEPT_FOR).timestamp())
        counted = [GuardRecord.tries.add(1), GuardRecord.delete_after.set(delete_after)]
        tables.update_item(guard, counted)
        if guard.tries > most:
            raise TooManyRequests(60 - int(now.timestamp()) % 60)


def guard_key(index: str, asker: Asker = Asker.ANYONE) -> str:
    """The key of a number's guard."""
    return f"{asker}#{index}"


def find_guard(key: str) -> GuardRecord:
    """The guard, or a new one that is not written yet."""
    try:
        return GuardRecord.get(key, consistent_read=True)
    except DoesNotExist:
        return GuardRecord(key)


def _failures(guard: GuardRecord, now: datetime) -> int:
    over = guard.window_ends_at is None or now >= from_text(guard.window_ends_at)
    return 0 if over else guard.failures


def _seconds_until(guard: GuardRecord, now: datetime) -> int:
    left = from_text(guard.window_ends_at or to_text(now)) - now
    return max(1, int(left.total_seconds()) + 1)


def _write_as_much(work: UnitOfWork, key: str, now: datetime) -> None:
    """A second write, where a refusal of an existing card would write its audit event."""
    delete_after = int((now + _KEPT_FOR).timestamp())
    shadow = "SHADOW#" + hashlib.sha256(key.encode()).hexdigest()
    work.save(GuardRecord(shadow, delete_after=delete_after))


def _network(ip_address: str | None) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: one subscriber has all of those."""
    try:
        address = ipaddress.ip_address(ip_address or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
