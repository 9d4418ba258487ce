"""All of Cardvault on this machine: embedded stack, supplier sandbox, and callers for them."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from local.sandbox import SupplierSandbox
from local.stack import Stack

DOORS = {"api": "ApiId", "issuer": "IssuerApiId"}

# The same loop as on AWS, in seconds instead of minutes.
QUICK = {
    "PollFirstIntervalSeconds": "1",
    "PollCeilingSeconds": "2",
    "SettleSeconds": "1",
    "ThrottleIntervalSeconds": "1",
    "OutageIntervalSeconds": "1",
    "OutageCeilingSeconds": "2",
    "BlockedIntervalSeconds": "2",
    "AdoptableAfterSeconds": "0",
}
MAIL_SENDER = "gift-cards@shop.example"
ALL_SCOPES = (
    "orders:read",
    "orders:write",
    "orders:correct",
    "cards:reveal",
    "audit:read",
    "users:act-as",
)
FINAL = {"fulfilled", "partially_filled", "refunded", "attention"}
# Backstops, which the slowest machine should not meet.
TIMEOUT_S = 120.0
GIVE_UP_S = 300.0


class OperationRefused(RuntimeError):
    """An operator's function answered with an error; the message is the function's."""


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

    def user(self, user_id: str | None = None, scope: str | None = None) -> User:
        """A caller with a fresh token: one of the shop's users, or the shop itself."""
        asked = {"grant_type": "client_credentials", "user_id": user_id, "scope": scope}
        answer = requests.post(
            f"{self.api_url}/v2/token",
            data={name: value for name, value in asked.items() if value is not None},
            auth=(self.client_id, self.client_secret),
            timeout=TIMEOUT_S,
        )
        answer.raise_for_status()
        return User(self.api_url, answer.json()["access_token"])


@dataclass(frozen=True)
class Cardvault:
    """A deployed copy, with the sandbox as its supplier."""

    stack: Stack
    supplier: SupplierSandbox

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return self.stack.doors["api"].url

    def operate(self, output: str, **request: Any) -> dict[str, Any]:
        """Invoke an operator's function, named by a stack output. Raises OperationRefused."""
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.outputs[output], Payload=json.dumps(request)
        )
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise OperationRefused(f"{payload['errorType']}: {payload['errorMessage']}")
        return payload

    def shop(
        self,
        name: str = "shop",
        scopes: tuple[str, ...] = ALL_SCOPES,
        tenant_id: str | None = None,
    ) -> Shop:
        """Register an API client, of a new tenant unless one is named."""
        tenant = {"tenantId": tenant_id} if tenant_id else {}
        made = self.operate(
            "ManageClientFunction", action="create", name=name, scopes=list(scopes), **tenant
        )
        return Shop(self.api_url, made["clientId"], made["tenantId"], made["clientSecret"])

    def redrive(self, order_id: str, **resolution: Any) -> str:
        """Start the order's workflow again, as docs/operations.md says; the execution's ARN."""
        execution = self.stack.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["StateMachineArn"],
            input=json.dumps({"orderId": order_id, **resolution}),
        )
        return str(execution["executionArn"])


@contextmanager
def running(
    *,
    parameters: Mapping[str, str] | None = None,
    fixed_ports: Mapping[str, int] | None = None,
    auth: bool = False,
    settings: Mapping[str, str] | None = None,
    handling_s: float = 3.0,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Cardvault]:
    """Start everything, deploy the real template, and stop everything at the end.

    `fixed_ports` may name api, issuer, aws and supplier; the others are free ones. `settings` are
    environment variables of the emulator. The sandbox fulfils after `handling_s` seconds.
    """
    ports = dict(fixed_ports or {})
    sandbox = SupplierSandbox(port=ports.pop("supplier", 0), handling_s=handling_s)
    stack = Stack(doors=DOORS, fixed_ports=ports, auth=auth, settings=settings)
    progress("starting the supplier sandbox and the embedded stack")
    with sandbox, stack:
        addresses = {"IssuerUrl": stack.doors["issuer"].url, "PublicUrl": stack.doors["api"].url}
        given = {**addresses, "MailSender": MAIL_SENDER, **QUICK, **(parameters or {})}
        progress("building and deploying template.yaml")
        stack.deploy(given)
        # SES sends only for whom it knows.
        stack.client("sesv2").create_email_identity(EmailIdentity=MAIL_SENDER)
        vault = Cardvault(stack, sandbox)
        vault.operate(
            "ManageClientFunction",
            action="set_supplier_key",
            baseUrl=sandbox.url,
            accessToken=sandbox.key,
        )
        yield vault
