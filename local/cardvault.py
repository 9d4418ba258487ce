"""All of Cardvault on this machine: the embedded stack, supplied by the supplier sandbox."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.clients.shop import ALL_SCOPES, Shop
from local.sandbox import SupplierSandbox
from local.stack.embedded import STACK_NAME, Stack

API_OUTPUTS = {"api": "ApiId", "issuer": "IssuerApiId"}

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
    "SandboxKeyAllowed": "yes",
}
MAIL_SENDER = "gift-cards@shop.example"


class OperationRefused(RuntimeError):
    """An operator's function answered with an error; the message is the function's."""


@dataclass(frozen=True)
class Cardvault:
    """A deployed copy, with the sandbox as its supplier."""

    stack: Stack
    supplier: SupplierSandbox

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return self.stack.proxies["api"].url

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
        return Shop(self.api_url, made["clientId"], made["tenantId"], made["clientSecret"], scopes)

    def set_supplier_key(self, access_token: str) -> None:
        """Have the sandbox as supplier, under that key.

        It is written where manage_client writes it, which takes no address without TLS.
        """
        secret = self.stack.client("cloudformation").describe_stack_resource(
            StackName=STACK_NAME, LogicalResourceId="SupplierSecret"
        )["StackResourceDetail"]["PhysicalResourceId"]
        value = {"baseUrl": self.supplier.origin, "accessToken": access_token}
        self.stack.client("secretsmanager").put_secret_value(
            SecretId=secret, SecretString=json.dumps(value)
        )

    def redrive(self, order_id: str, **resolution: Any) -> str:
        """Start the order's workflow again, as docs/operations.md says; the execution's ARN."""
        execution = self.stack.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.outputs["StateMachineArn"],
            name=f"{order_id}-{uuid.uuid4().hex}",
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
    stack = Stack(api_outputs=API_OUTPUTS, fixed_ports=ports, auth=auth, settings=settings)
    progress("starting the supplier sandbox and the embedded stack")
    with sandbox, stack:
        addresses = {
            "IssuerUrl": stack.proxies["issuer"].url,
            "PublicUrl": stack.proxies["api"].url,
        }
        given = {**addresses, "MailSender": MAIL_SENDER, **QUICK, **(parameters or {})}
        progress("building and deploying template.yaml")
        stack.deploy(given)
        # SES sends only for whom it knows.
        stack.client("sesv2").create_email_identity(EmailIdentity=MAIL_SENDER)
        vault = Cardvault(stack, sandbox)
        vault.set_supplier_key(sandbox.key)
        yield vault
