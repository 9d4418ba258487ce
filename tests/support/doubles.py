"""A scripted supplier, and a clock that a test sets."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cardvault.core.cards import Card
from cardvault.errors import SupplierBlocked, SupplierOrderUnknown
from cardvault.http.caller import Caller
from cardvault.supplier.answers import SupplierOrder, SupplierStatus

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class FixedClock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


def canary_cards(count: int, tag: str = "A") -> tuple[Card, ...]:
    return tuple(
        Card(f"CANARY-{tag}-VALUE-{n:05d}", f"CANARY-{tag}-SERIAL-{n:05d}")
        for n in range(1, count + 1)
    )


@dataclass
class ScriptedSupplier:
    """Stands in for SupplierClient: `placing` is raised or returned by placeOrder."""

    placing: list[Exception | str] = field(default_factory=list)
    orders: dict[str, SupplierOrder] = field(default_factory=dict)
    placed: list[tuple[str, str, int]] = field(default_factory=list)
    paused: list[float] = field(default_factory=list)
    is_sandbox: bool = True  # whose codes repeat, as the canary cards do

    def sells_real_cards(self) -> bool:
        return not self.is_sandbox

    def place_order(self, product_id: str, type_id: str, quantity: int) -> str:
        self.placed.append((product_id, type_id, quantity))
        outcome = self.placing.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def make_ready(self) -> None:
        pass

    def pause(self, error: Any) -> None:
        self.paused.append(error.retry_after_s)

    def check_order(self, order_id: str, *, cards: bool = False) -> SupplierOrder:
        if order_id not in self.orders:
            raise SupplierOrderUnknown
        return self.orders[order_id]

    def list_orders(self, since: datetime, until: datetime) -> list[SupplierOrder]:
        return list(self.orders.values())

    def has(self, order_id: str, status: str = "FULFILLED", **changes: Any) -> SupplierOrder:
        """Put an order at the supplier; 3 canary cards unless `cards` says otherwise."""
        cards = changes.pop("cards", canary_cards(3))
        given = {
            "order_id": order_id,
            "status": SupplierStatus(status),
            "product_id": "P1",
            "type_id": "T1",
            "quantity": 3,
            "fulfilled_quantity": len(cards),
            "created_at": START,
            "cards": cards,
        }
        self.orders[order_id] = SupplierOrder(**{**given, **changes})
        return self.orders[order_id]


def caller(user_id: str = "alice", tenant_id: str = "a" * 24, scopes: str = "") -> Caller:
    return Caller(
        tenant_id, user_id, "c" * 24, frozenset(scopes.split()), "192.0.2.7", "test-agent"
    )


@dataclass
class KeptCircuitBreaker:
    """Stands in for CircuitBreaker: remembers without a table, and for ever."""

    blocked: bool = False
    refused: str | None = None

    def refused_version(self) -> str | None:
        if self.blocked:
            raise SupplierBlocked
        return self.refused

    def admit(self) -> None:
        pass

    def note_refused(self, version: str) -> None:
        self.refused = version

    def note_blocked(self) -> None:
        self.blocked = True

    def note_throttled(self, retry_after_s: float) -> None:
        pass

    def note_failed(self, admitted: None) -> None:
        pass

    def note_well(self, admitted: None) -> None:
        pass


@dataclass
class SupplierSecrets:
    """Stands in for Secrets Manager: a new key has a new version, and readings are counted."""

    base_url: str
    key: str
    read: int = 0
    waits: list[float] = field(default_factory=list)

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        self.read += 1
        secret = {"baseUrl": self.base_url, "accessToken": self.key}
        return {"SecretString": json.dumps(secret), "VersionId": f"version of {self.key}"}
