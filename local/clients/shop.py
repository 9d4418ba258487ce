"""A shop that calls the API, for itself or for one of its users."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

ACT_AS = "users:act-as"
ALL_SCOPES = (
    "orders:read",
    "orders:write",
    "orders:correct",
    "cards:reveal",
    "audit:read",
    ACT_AS,
)
FINAL = {"fulfilled", "partially_filled", "refunded", "attention"}
# Backstops, which the slowest machine should not meet.
TIMEOUT_S = 120.0
GIVE_UP_S = 300.0


@dataclass(frozen=True)
class User:
    """A user of a shop, as the shop's app calls the API for them."""

    api_url: str
    access_token: str = field(repr=False)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the API as this user."""
        headers = {"Authorization": f"Bearer {self.access_token}", **options.pop("headers", {})}
        url = self.api_url + path
        return requests.request(method, url, headers=headers, timeout=TIMEOUT_S, **options)

    def order(self, idempotency_key: str, **body: Any) -> requests.Response:
        """POST /api/orders."""
        headers = {"Idempotency-Key": idempotency_key}
        return self.call("POST", "/api/orders", json=body, headers=headers)

    def get(self, order_id: str, what: str = "", **query: Any) -> requests.Response:
        """GET an order, or its `/cards` or `/audit`."""
        return self.call("GET", f"/api/orders/{order_id}{what}", params=query)

    def follow(
        self,
        order_id: str,
        *,
        until: Callable[[dict[str, Any]], bool] = lambda order: order["status"] in FINAL,
        timeout_s: float = GIVE_UP_S,
    ) -> Iterator[dict[str, Any]]:
        """Yield the order at each change, ending with the state that `until` accepts.

        Raises TimeoutError.
        """
        deadline, seen = time.monotonic() + timeout_s, None
        while time.monotonic() < deadline:
            order = self.get(order_id).json()
            if order["status"] != seen:
                seen = order["status"]
                yield order
            if until(order):
                return
            time.sleep(0.1)
        raise TimeoutError(f"order {order_id} is still {seen} after {timeout_s:.0f} s")

    def settled(self, order_id: str, timeout_s: float = GIVE_UP_S) -> dict[str, Any]:
        """The order once it is in a final state. Raises TimeoutError."""
        return list(self.follow(order_id, timeout_s=timeout_s))[-1]


@dataclass(frozen=True)
class Shop:
    """A tenant's API client."""

    api_url: str
    client_id: str
    tenant_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ALL_SCOPES

    def user(self, user_id: str | None = None, scope: str | None = None) -> User:
        """A caller with a fresh token: one of the shop's users, or the shop itself.

        The shop's own server holds the token, so it asks for all that it may hand to a user.
        """
        scope = scope or " ".join(one for one in self.scopes if not user_id or one != ACT_AS)
        asked = {"grant_type": "client_credentials", "user_id": user_id, "scope": scope}
        answer = requests.post(
            f"{self.api_url}/v2/token",
            data={name: value for name, value in asked.items() if value is not None},
            auth=(self.client_id, self.client_secret),
            timeout=TIMEOUT_S,
        )
        answer.raise_for_status()
        return User(self.api_url, answer.json()["access_token"])
