"""An order's audit trail: read by its owner, verified by anyone who can read the tables.

    python -m cardvault.orders.audit [ORDER_ID ...]

prints whether the trail holds, of the orders named or of all, and if not the first event where it
breaks; exit status 1 then. Events that wait to be chained are counted, with the age of the oldest.
Reads ORDERS_TABLE and AUDIT_TABLE.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cardvault.audit import trail, verdict
from cardvault.audit.chain import ChainHead
from cardvault.audit.events import EventName
from cardvault.audit.trail import AuditRecord
from cardvault.audit.verdict import Verdict
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.core.clock import Clock, utc_now
from cardvault.core.hash_chain import FIRST_PREVIOUS_HASH, Break
from cardvault.errors import OrderNotFound
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.access import get_owned_or_audit
from cardvault.orders.records import OrderRecord


@dataclass(frozen=True, slots=True)
class _State:
    """What the order knows of its trail."""

    version: int
    order_hash: str | None
    former_hash: str | None


def trail_of(
    order_id: str, caller: Caller, *, after: int, limit: int, clock: Clock = utc_now
) -> tuple[list[dict[str, Any]], int | None]:
    """Events after number `after`, and the number to go on after if there are more.

    The chained ones come first; one that waits has a greater number than any that is chained.
    Raises OrderNotFound, when the attempt is in the trail.
    """
    get_owned_or_audit(order_id, EventName.READ_REFUSED, caller, clock=clock)
    # Read before the chained ones, for that is the way that events go.
    waiting = list(trail.read_waiting(order_id, after=after, limit=limit))
    chained = list(trail.read(order_id, after=after, limit=limit))
    events = [*chained, *trail.not_among(chained, waiting)][:limit]
    return list(map(_view, events)), int(events[-1].seq) if len(events) == limit else None


def _view(event: AuditRecord) -> dict[str, Any]:
    fields: dict[str, Any] = event.fields()
    number, order_id = int(fields.pop("seq")), trail.subject_of(event)
    is_chained = fields.pop("subjectId") == order_id
    numbered = {"seq": number} if is_chained else {"eventId": str(number)}
    return {**numbered, "chained": is_chained, "orderId": order_id, **fields}


def verify(order_id: str, *, clock: Clock = utc_now) -> Verdict:
    """Whether the order's trail holds. Raises OrderNotFound."""
    return verdict.verify(order_id, lambda: _state(order_id), _unlike_the_order, clock=clock)


def _state(order_id: str) -> _State:
    order = store.find(order_id)
    return _State(int(order.version), order.hash_with({}), order.audit_hash)


def _unlike_the_order(
    order: _State, chained: Sequence[AuditRecord], waiting: Sequence[AuditRecord]
) -> Break | None:
    """What the order knows of its trail and the trail does not hold, or the other way round."""
    hashes = {FIRST_PREVIOUS_HASH, None, *(event.hash for event in chained)}
    if order.former_hash not in hashes:
        return Break(len(chained), "not the event the order knows")
    changes = [event for event in (*chained, *waiting) if event.version is not None]
    versions = [int(event.version) for event in changes]
    for version in range(1, order.version + 1):
        if version not in versions:
            return Break(len(chained) + 1, f"missing: what made the order's version {version}")
    if len(versions) != order.version:
        return Break(len(chained), "more changes than the order knows")
    last = max(changes, key=lambda event: event.version, default=None)
    if last is not None and last.order_hash != order.order_hash:
        return Break(len(chained), "the order is not as its last change left it")
    return None


def main() -> int:
    """The command."""
    settings = Settings()
    tables.use(settings, OrderRecord, AuditRecord, ChainHead)
    orders = sys.argv[1:] or list(store.all_ids())
    try:
        verdicts = {order_id: verify(order_id) for order_id in orders}
    except OrderNotFound:
        sys.stderr.write("no such order\n")
        return 2
    return verdict.tell("order", verdicts)


if __name__ == "__main__":
    sys.exit(main())
