"""Whether a subject's trail holds, for anyone who can read the tables."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cardvault.audit import chain, trail
from cardvault.audit.trail import AuditRecord
from cardvault.core.clock import Clock, utc_now
from cardvault.core.hash_chain import Break, breaks

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where a trail first breaks, None if it holds, and what waits to be chained."""

    found: Break | None
    unchained: int
    oldest_age_s: int


def verify(
    subject_id: str,
    state: Callable[[], S],
    unlike: Callable[[S, Sequence[AuditRecord], Sequence[AuditRecord]], Break | None],
    *,
    clock: Clock = utc_now,
) -> Verdict:
    """Hold the trail against the chain's head, and against what its subject knows of it.

    `state()` is what the subject knows, and `unlike` tells the chained events and those that wait
    from it. Raises what `state` raises.
    """
    before, now = None, (state(), chain.head_of(subject_id))
    while before != now:  # until nothing was written in between
        before = now
        waiting = list(trail.read_waiting(subject_id))
        chained = list(trail.read(subject_id))
        now = state(), chain.head_of(subject_id)
    waiting = trail.not_among(chained, waiting)
    known, head = now
    found = next(breaks(chained, head), None) or unlike(known, chained, waiting)
    put_at = min(map(trail.put_at, waiting), default=clock().timestamp())
    return Verdict(found, len(waiting), max(0, int(clock().timestamp() - put_at)))


def tell(kind: str, verdicts: Mapping[str, Verdict]) -> int:
    """Print what was found, and return the exit status: 1 if a trail is broken."""
    for subject_id, verdict in verdicts.items():
        if verdict.found:
            found = verdict.found
            sys.stdout.write(f"{kind} {subject_id}, event {found.seq}: {found.why}\n")
        if verdict.unchained:
            late = f"{verdict.unchained} not chained, the oldest for {verdict.oldest_age_s} s"
            sys.stdout.write(f"{kind} {subject_id}: {late}\n")
    broken = any(verdict.found for verdict in verdicts.values())
    if not broken:
        sys.stdout.write("the trail holds\n")
    return 1 if broken else 0
