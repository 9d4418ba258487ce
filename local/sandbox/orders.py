"""Orders: their ids, their states by the clock, their made-up cards.

The fields and states: docs/supplier-contract.md, "Reading an order".
"""

from dataclasses import dataclass

from local.sandbox.fault_modes import Fault
from local.sandbox.messages import Json, iso_ms, new_object_id

HANDLING, FULFILLED = "HANDLING", "FULFILLED"
PARTIALLY_FILLED, REFUNDED = "PARTIALLY_FILLED", "REFUNDED"
UNDOCUMENTED = "PENDING_REVIEW"
NEVER = 2**63


@dataclass(frozen=True)
class Wanted:
    """A valid placeOrder body."""

    product_id: str
    type_id: str
    quantity: int


@dataclass
class Order:
    """One placed order. Times are epoch milliseconds, `price` is centimes per card.

    HANDLING lasts until `handling_until`, an undocumented status (if its fault asks for one) until
    `final_at`; then `outcome` holds with `delivered` cards. Nothing changes at these moments: every
    reading works it out. Cards are not kept either, they follow from the id.
    """

    order_id: str
    wanted: Wanted
    placed_at: int
    handling_until: int
    final_at: int
    outcome: str
    delivered: int
    price: int
    prefix: str
    fault: Fault | None
    readings: int = 0

    def status(self, now_ms: int) -> str:
        """Tell the status at this moment."""
        if now_ms < self.handling_until:
            return HANDLING
        return UNDOCUMENTED if now_ms < self.final_at else self.outcome

    def read(self, now_ms: int) -> Json:
        """Show it as checkOrder and list do; fulfilment fields only once it is final."""
        record: Json = {
            "_id": self.order_id,
            "status": self.status(now_ms),
            "quantity": self.wanted.quantity,
            "product": self.wanted.product_id,
            "type": self.wanted.type_id,
            "time": iso_ms(self.placed_at),
        }
        if now_ms < self.final_at:
            return record
        self.readings += 1
        record["fulfilled_quantity"] = self.delivered
        record["fulfilled_amount"] = dinars(self.delivered * self.price)
        record["price_per_card"] = dinars(self.price)
        record["cards"] = self.cards()
        return record

    def cards(self) -> list[Json]:
        """`[{value, serial}]` as last shown; numbered from 1, distinct in every order."""
        tail, edition = self.order_id[-12:].upper(), ""
        if self._suffers("duplicate_codes", "across"):
            tail = "DUPLICATE"
        if self._suffers("changing_answer") and self.readings > 1:
            edition = f"-R{self.readings}"
        twice = self._suffers("duplicate_codes", "within")
        ends = (
            f"{tail}-{number - (number + 1) % 2 if twice else number}{edition}"
            for number in range(1, self.delivered + 1)
        )
        return [
            {"value": f"{self.prefix}-CARD-{end}", "serial": f"{self.prefix}-SERIAL-{end}"}
            for end in ends
        ]

    def _suffers(self, name: str, argument: str = "") -> bool:
        return self.fault is not None and (self.fault.name, self.fault.argument) == (name, argument)


class OrderBook:
    """All orders, in the order they were placed."""

    def __init__(self, handling_ms: int) -> None:
        self._handling_ms = handling_ms
        self._orders: dict[str, Order] = {}

    def place(
        self, wanted: Wanted, now_ms: int, price: int, prefix: str, fault: Fault | None
    ) -> Order:
        """Commit an order; it is bought from here on."""
        handling_until = now_ms + self._handling_ms
        final_at = handling_until
        if fault is not None and fault.name == "slow_fulfilment":
            final_at = handling_until = now_ms + _ms(fault.argument)
        elif fault is not None and fault.name == "never_final":
            final_at = handling_until = NEVER
        elif fault is not None and fault.name == "unknown_status":
            final_at = handling_until + _ms(fault.argument)
        status, delivered = outcome(wanted)
        order = Order(
            order_id=new_object_id(now_ms),
            wanted=wanted,
            placed_at=now_ms,
            handling_until=handling_until,
            final_at=final_at,
            outcome=status,
            delivered=delivered,
            price=price,
            prefix=prefix,
            fault=fault,
        )
        self._orders[order.order_id] = order
        return order

    def get(self, order_id: str) -> Order | None:
        """Find the order of that id."""
        return self._orders.get(order_id)

    def newest_first(self) -> list[Order]:
        """Sort by creation time; of the same millisecond the later placed comes first."""
        oldest_first = sorted(self._orders.values(), key=lambda order: order.placed_at)
        return oldest_first[::-1]


def outcome(wanted: Wanted) -> tuple[str, int]:
    """How it ends and with how many cards: docs/supplier-contract.md, "Test accounts".

    TEST_PARTIAL delivers half, rounded down, at least one. Of one card there is no part, so that
    order is refunded: the supplier does not say what it does.
    """
    if wanted.type_id == "TEST_REFUND":
        return REFUNDED, 0
    if wanted.type_id != "TEST_PARTIAL":
        return FULFILLED, wanted.quantity
    if wanted.quantity == 1:
        return REFUNDED, 0
    return PARTIALLY_FILLED, wanted.quantity // 2


def dinars(centimes: int) -> float:
    """Centimes as the API's number of dinars: whole where whole."""
    return centimes // 100 if centimes % 100 == 0 else centimes / 100


def _ms(seconds: str) -> int:
    return round(float(seconds) * 1000)
