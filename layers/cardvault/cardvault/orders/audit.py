"""An order's audit trail: read by its owner, verified by anyone who can read the tables.

    python -m cardvault.orders.audit [ORDER_ID ...]

prints whether the trail holds, of the orders named or of all, and if not the first event where it
breaks; exit status 1 then. Reads ORDERS_TABLE and AUDIT_TABLE.
"""

import sys
from typing import Any

from cardvault.audit import trail
from cardvault.audit.trail import AuditRecord, Break
from cardvault.aws import tables
from cardvault.aws.settings import Settings
from cardvault.errors import OrderNotFound
from cardvault.http.caller import Caller
from cardvault.orders import store
from cardvault.orders.access import get_owned
from cardvault.orders.records import OrderRecord


def trail_of(
    order_id: str, caller: Caller, *, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Events after number `after`, and the number to go on after if there are more."""
    get_owned(order_id, caller)
    events = [_view(record.fields()) for record in trail.read(order_id, after=after, limit=limit)]
    return events, events[-1]["seq"] if len(events) == limit else None


def _view(fields: dict[str, Any]) -> dict[str, Any]:
    order_id = fields.pop("subjectId")
    return {"seq": int(fields.pop("seq")), "orderId": order_id, **fields}


def verify(order_id: str) -> Break | None:
    """Where the order's trail first breaks, None if it holds. Raises OrderNotFound."""
    head, seen = None, store.find(order_id).head
    while head != seen:  # until nothing was written in between
        head, events = seen, list(trail.read(order_id))
        seen = store.find(order_id).head
    return trail.verify(events, head)


def main() -> int:
    """The command."""
    tables.use(Settings(), OrderRecord, AuditRecord)
    orders = sys.argv[1:] or list(store.all_ids())
    try:
        verified = [(order_id, verify(order_id)) for order_id in orders]
    except OrderNotFound:
        sys.stderr.write("no such order\n")
        return 2
    broken = [(order_id, found) for order_id, found in verified if found]
    for order_id, found in broken:
        sys.stdout.write(f"order {order_id}, event {found.seq}: {found.why}\n")
    if not broken:
        sys.stdout.write("the trail holds\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
