"""A gift-card program, and every change of its cards, by a clock that does as it is told."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from cardvault.audit.chain import ChainHead, Overwritten
from cardvault.audit.trail import AuditRecord
from cardvault.aws import boto_clients, tables
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.settings import Settings
from cardvault.core.clock import Clock
from cardvault.giftcards import define_programs, programs
from cardvault.giftcards.ledger.posting import Ledger
from cardvault.giftcards.ledger.records import LEDGER_RECORDS
from cardvault.giftcards.operations.administer import ManageCards
from cardvault.giftcards.operations.command import Command
from cardvault.giftcards.operations.consolidate import ConsolidateCards
from cardvault.giftcards.operations.expire import ExpireCards
from cardvault.giftcards.operations.holds import HoldMoney
from cardvault.giftcards.operations.issue import IssueCards
from cardvault.giftcards.operations.load import LoadCards
from cardvault.giftcards.operations.security_code import IssueCode
from cardvault.giftcards.operations.spend import SpendFromCards
from cardvault.giftcards.operations.transfer import TransferBalance
from cardvault.giftcards.programs import ProgramRecord
from cardvault.giftcards.queries.balance_check import CheckBalance
from cardvault.giftcards.queries.details import ShowCard
from cardvault.giftcards.queries.search import Filter, ListCards
from cardvault.giftcards.queries.verify import Difference, VerifyCards
from cardvault.giftcards.security.guard import CodeGuard, GuardRecord
from cardvault.giftcards.security.vault import CodeVault, NumberVault
from cardvault.giftcards.views import Views
from cardvault.http.caller import Caller

TENANT = "a" * 24
OTHER_TENANT = "b" * 24


def business(tenant_id: str = TENANT) -> Caller:
    """The tenant itself: an API client that speaks for none of its users."""
    return Caller(tenant_id, "c" * 24, "c" * 24, frozenset(), "192.0.2.7", "test-agent")


def customer(user_id: str, tenant_id: str = TENANT) -> Caller:
    return Caller(tenant_id, user_id, "c" * 24, frozenset(), "192.0.2.8", "test-agent")


@dataclass
class GiftShop:
    """Each method makes one request; `key` is a fresh Idempotency-Key unless given."""

    settings: Settings
    clock: Clock
    program: ProgramRecord
    _keys: Any = field(default_factory=itertools.count)

    @classmethod
    def open(cls, settings: Settings, clock: Clock, **terms: Any) -> "GiftShop":
        cls._bind(settings)
        return cls(settings, clock, cls._program(clock, TENANT, **terms))

    @classmethod
    def reopen(cls, settings: Settings, clock: Clock, program_id: str) -> "GiftShop":
        """A shop whose program is stored."""
        cls._bind(settings)
        return cls(settings, clock, programs.find(program_id))

    @staticmethod
    def _bind(settings: Settings) -> None:
        tables.use(settings, *LEDGER_RECORDS, ProgramRecord, GuardRecord)
        tables.use(settings, AuditRecord, ChainHead, Overwritten)

    @staticmethod
    def _program(clock: Clock, tenant_id: str, **terms: Any) -> ProgramRecord:
        wanted = {"name": "Gifts", "tenantId": tenant_id, "currency": "EUR", **terms}
        return define_programs.create(wanted, clock=clock)

    def another(self, tenant_id: str = TENANT, **terms: Any) -> "GiftShop":
        """The same shop with another program."""
        program = self._program(self.clock, tenant_id, **terms)
        return GiftShop(self.settings, self.clock, program, self._keys)

    @cached_property
    def numbers(self) -> NumberVault:
        secrets = CachedSecret(boto_clients.secrets_manager(), self.settings.card_number_secret_arn)
        return NumberVault(secrets)

    @cached_property
    def codes(self) -> CodeVault:
        secrets = CachedSecret(
            boto_clients.secrets_manager(), self.settings.security_code_secret_arn
        )
        return CodeVault(secrets)

    @property
    def guard(self) -> CodeGuard:
        return CodeGuard(self.numbers, self.codes, self.clock)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.numbers, self.clock)

    def do(
        self,
        action: str,
        card_id: str = "",
        item_id: str = "",
        /,
        key: str | None = None,
        by: Caller | None = None,
        **body: Any,
    ) -> dict[str, Any]:
        """Carry out an action by its name in the API."""
        key = key or f"key-{next(self._keys)}"
        by = by or business(self.program.tenant_id)
        command = Command(by, self.program.program_id, body, key, card_id, item_id)
        return self._action(action)(command)

    def _action(self, name: str) -> Callable[[Command], dict[str, Any]]:
        ledger, views, guard = self.ledger, Views(self.numbers), self.guard
        load, spend = LoadCards(ledger, views, guard), SpendFromCards(ledger)
        hold, manage = HoldMoney(ledger), ManageCards(ledger, views)
        issue = IssueCards(ledger, views)
        actions: dict[str, Callable[[Command], dict[str, Any]]] = {
            "create": issue.create,
            "bulk": issue.bulk,
            "resend-code": IssueCode(ledger, self.codes),
            "activate": load.activate,
            "reload": load.reload,
            "reload-by-number": load.reload_by_number,
            "transfer": TransferBalance(ledger, views, guard),
            "consolidate": ConsolidateCards(ledger, views),
            "redeem": spend.redeem,
            "refund": spend.refund,
            "holds": hold.authorize,
            "capture": hold.capture,
            "release": hold.release,
            "suspend": manage.suspend,
            "unsuspend": manage.unsuspend,
            "void": manage.void,
            "process-expired": manage.process_expired,
            "adjustments": manage.adjust,
            "transfer-ownership": manage.hand_over,
        }
        return actions[name]

    def new(self, value: str = "100.00", **body: Any) -> dict[str, Any]:
        """A pending card."""
        return self.do("create", initialValue=Decimal(value), merchantId="merchant_123", **body)

    def active(self, value: str = "100.00", **body: Any) -> dict[str, Any]:
        """An active card."""
        return self.do("activate", self.new(value, **body)["id"])

    def redeem(self, card_id: str, amount: str, **more: Any) -> dict[str, Any]:
        return self.do("redeem", card_id, amount=Decimal(amount), **more)

    def details(
        self, card_id: str, by: Caller | None = None, *, transactions: bool = False
    ) -> dict[str, Any]:
        show = ShowCard(Views(self.numbers), self.clock)
        by = by or business(self.program.tenant_id)
        return show.details(self.program.program_id, card_id, by, with_transactions=transactions)

    def transactions(self, card_id: str) -> list[dict[str, Any]]:
        """Newest first."""
        listed: list[dict[str, Any]] = self.details(card_id, transactions=True)["transactions"]
        return listed

    def find(
        self,
        by: Caller | None = None,
        limit: int = 50,
        cursor: str | None = None,
        **wanted: Any,
    ) -> tuple[list[dict[str, Any]], str | None]:
        listing = ListCards(Views(self.numbers), self.clock)
        by = by or business(self.program.tenant_id)
        return listing(self.program.program_id, Filter(**wanted), by, limit=limit, cursor=cursor)

    def check_balance(
        self, number: str, code: str, ip: str = "198.51.100.1", by: Caller | None = None
    ) -> dict[str, Any]:
        body = {"cardNumber": number, "securityCode": code}
        return CheckBalance(self.guard, self.clock)(self.program.program_id, body, ip, by)

    def expire(self) -> int:
        return ExpireCards(clock=self.clock)().posted

    def verify(self) -> list[Difference]:
        return VerifyCards()().differences
