"""Functions in the account of template.yaml, each in its own environment, called as AWS does."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import requests
from moto import mock_aws

from cardvault.aws import boto_clients, tables
from cardvault.aws.settings import Settings
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.core import clock
from cardvault.orders.records import OrderRecord
from cardvault.supplier import key_check
from cardvault.supplier.client import SupplierClient
from tests.support.account import REGION, Account
from tests.support.apps import load_app
from tests.support.doubles import ScriptedSupplier, canary_cards
from tests.support.recorder import Recorder

TENANT, CLIENT = "a" * 24, "c" * 24
ALICE, MALLORY = "alice", "mallory"
CUSTOMER = "ada@example.com"
SUPPLIER_KEY = {
    "action": "set_supplier_key",
    "baseUrl": "https://supplier.example.com",
    "accessToken": "t",
}
BASE = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "POWERTOOLS_SERVICE_NAME": "cardvault-test",
}


class Context:
    function_name, memory_limit_in_mb, aws_request_id = "f", 512, "1"
    invoked_function_arn = f"arn:aws:lambda:{REGION}:123456789012:function:f"


class Moving(datetime):
    """The wall clock, ahead by what a scenario waited.

    A scenario begins as the next day does: what is counted by the day goes one way, whenever the
    tests run.
    """

    ahead = timedelta()

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime.now(tz) + cls.ahead


@dataclass
class Stage:
    account: Account
    recorder: Recorder
    supplier: ScriptedSupplier
    refusals: list[requests.Response] = field(default_factory=list)
    _apps: dict[str, Any] = field(default_factory=dict)

    def call(self, folder: str, event: Mapping[str, Any]) -> Any:
        """What the function answers; what it raises goes on."""
        function = self.account.functions[folder]
        environment = {**BASE, **self.account.environment(function)}
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            self.recorder.acting(function),
        ):
            if folder not in self._apps:
                self._apps[folder] = load_app(folder)
            return self._apps[folder].handler(event, Context())

    def http(self, folder: str, route: str, wanted: int, **request: Any) -> Any:
        """The body of the answer, which must have the status."""
        answer = self.call(folder, http_event(route, **request))
        assert answer["statusCode"] == wanted, (folder, answer)
        return Answer(answer)

    def task(self, folder: str, raises: type[Exception] | None = None, **event: Any) -> Any:
        """What a task returns, or None when it raised as it should."""
        if raises is None:
            return self.call(folder, event)
        try:
            self.call(folder, event)
        except raises:
            return None
        raise AssertionError(f"{folder} did not raise {raises.__name__}")

    def wait(self, **by: float) -> None:
        """Let time pass; a function that is called afterwards starts anew."""
        Moving.ahead += timedelta(**by)
        self._apps.clear()

    def now(self) -> datetime:
        return datetime.now(UTC) + Moving.ahead

    def stop_executions(self) -> None:
        """Somebody stops every execution that runs."""
        client = boto_clients.step_functions()
        machine = self.account.environment("CreateOrderFunction")["STATE_MACHINE_ARN"]
        listed = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")
        for execution in listed["executions"]:
            client.stop_execution(executionArn=execution["executionArn"])

    def fails(self, operation: str, error: Exception) -> None:
        """AWS answers the next call of that operation with an error."""

        def fail() -> None:
            raise error

        self.meanwhile(operation, fail)

    def meanwhile(self, operation: str, happens: Callable[[], Any]) -> None:
        """Somebody is quicker than the next call of that operation."""
        self.recorder.before.append((operation, happens))

    def refuses(self, status: int, code: str) -> None:
        """The supplier answers the next request so, whatever it is."""
        answer = requests.Response()
        answer.status_code, answer._content = status, json.dumps({"error": {"code": code}}).encode()
        self.refusals.append(answer)

    def token(self) -> str:
        """Of the claim link that was mailed last."""
        return self._mailed(r"/claim#([A-Za-z0-9_-]{43})")

    def code(self) -> str:
        """The six digits that were mailed last."""
        return self._mailed(r"(?m)^ +([0-9]{6})$")

    def tags(self) -> dict[str, list[str]]:
        """Of the mail that was sent last, as SES repeats them in its events."""
        return {tag["Name"]: [tag["Value"]] for tag in self.recorder.mails[-1]["EmailTags"]}

    def _mailed(self, pattern: str) -> str:
        bodies = (mail["Content"]["Simple"]["Body"] for mail in reversed(self.recorder.mails))
        found = (re.search(pattern, body["Text"]["Data"]) for body in bodies)
        return next(match.group(1) for match in found if match)


class Answer(dict[str, Any]):
    """A JSON body, with its headers and cookies beside it."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        body = answer["body"]
        super().__init__(json.loads(body) if body.startswith("{") else {})
        self.headers, self.cookies = answer["headers"], answer.get("cookies", [])


def _until_next_day() -> timedelta:
    now = datetime.now(UTC)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now


@contextmanager
def staged(kind: type[Stage] = Stage) -> Iterator[Stage]:
    """A fresh account, with a scripted supplier and no minimum response time."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.dict(os.environ, BASE))
        os.environ.pop("AWS_PROFILE", None)
        stack.enter_context(mock_aws())
        for made in (*vars(boto_clients).values(), tables.connection):
            if hasattr(made, "cache_clear"):
                made.cache_clear()
        account, supplier = Account.open(), ScriptedSupplier()
        # All functions share one connection here, which learns a table's indexes from the first
        # model that is put on it.
        orders_table = {"ORDERS_TABLE": account.made["OrdersTable"]["Ref"]}
        tables.use(Settings(orders_table), OrderRecord)
        recorder = Recorder(account)
        stack.enter_context(recorder.listening())
        stack.enter_context(mock.patch.object(clock, "datetime", Moving))
        stack.enter_context(mock.patch.object(Moving, "ahead", _until_next_day()))
        stack.enter_context(mock.patch.object(MinResponseTime, "_wait", create=True))
        stage = kind(account, recorder, supplier)
        real_cards = lambda _: supplier.sells_real_cards()  # noqa: E731
        stack.enter_context(mock.patch.object(SupplierClient, "sells_real_cards", real_cards))
        for method in ("place_order", "check_order", "list_orders", "pause"):
            scripted = _scripted(stage, method)
            stack.enter_context(mock.patch.object(SupplierClient, method, scripted))
        checked = mock.patch.object(
            key_check, "check_key", return_value=key_check.KeyKind.PRODUCTION
        )
        stack.enter_context(checked)
        stage.task("manage_client", None, **SUPPLIER_KEY)
        yield stage


def _scripted(stage: "Stage", method: str) -> Any:
    real = getattr(SupplierClient, method)

    def scripted(client: SupplierClient, *arguments: Any, **options: Any) -> Any:
        if stage.refusals and method != "pause":
            answer = stage.refusals.pop(0)
            with mock.patch("cardvault.supplier.client._send", return_value=answer):
                told = real(client, *arguments, **options)
                return list(told) if method == "list_orders" else told
        client.make_ready()  # as the real one begins
        with stage.recorder.passing(method):
            return getattr(stage.supplier, method)(*arguments, **options)

    return scripted


def http_event(
    route: str,
    *,
    path: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    body: Any = None,
    key: str | None = None,
    by: str | None = ALICE,
    scope: str = "",
    cookies: list[str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Payload format 2.0. `by` is the token's subject; None is nobody."""
    claims = {"tenant": TENANT, "sub": by, "client_id": CLIENT, "scope": scope}
    filled = route.partition(" ")[2].format(**(path or {}))
    return {
        "routeKey": route,
        "rawPath": filled,
        "pathParameters": dict(path or {}),
        "queryStringParameters": query,
        "headers": {**({"idempotency-key": key} if key else {}), **(headers or {})},
        "cookies": cookies,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "requestContext": {
            "requestId": "r-1",
            "http": {"sourceIp": "192.0.2.7", "userAgent": "test"},
            **({"authorizer": {"jwt": {"claims": claims}}} if by else {}),
        },
    }


def fresh_key() -> str:
    return f"key-{uuid.uuid4().hex}-{uuid.uuid4().hex}"


def three_cards() -> Any:
    return canary_cards(3)
