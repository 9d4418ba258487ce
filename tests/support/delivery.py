"""The delivery side of a stored order on moto: mail that can be read, and every step of a claim."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from cardvault import links
from cardvault.aws import boto_clients, tables
from cardvault.claims.claim import ClaimRequest, OpenClaim, RedeemClaim
from cardvault.claims.min_response_time import MinResponseTime
from cardvault.claims.one_time_code import SendCode
from cardvault.claims.renew import RenewClaim
from cardvault.claims.reveal import RevealClaimed
from cardvault.downloads.bucket import DownloadsBucket
from cardvault.downloads.downloads import CreateDownload, RedeemDownload
from cardvault.links import Kind
from cardvault.mail.message import RenderedEmail
from cardvault.mail.resend import ResendEmail
from cardvault.mail.send import OrderMailer
from cardvault.mail.ses import Mailer
from cardvault.mail.ses_events import HandleEmailEvent
from cardvault.orders import store
from cardvault.orders.records import ORDER_KEY, OrderRecord
from cardvault.sealing.data_keys import Keyring

ORIGIN = {"ip_address": "192.0.2.7", "user_agent": "test-agent"}


@dataclass
class ScriptedMailer:
    """Stands in for Mailer: keeps the messages; `outcomes` are raised, one per send, then none."""

    sent: list[tuple[str, str, RenderedEmail]] = field(default_factory=list)
    outcomes: list[Exception | None] = field(default_factory=list)
    tries: int = 0

    def expect_set_up(self) -> None:
        pass

    def send(
        self,
        email: RenderedEmail,
        *,
        to: str,
        shop: str,
        order_id: str,
        mail_id: str | None = None,
    ) -> None:
        self.tries += 1
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.sent.append((to, shop, email))

    def last(self, name: str) -> RenderedEmail:
        return next(email for _, _, email in reversed(self.sent) if email.name == name)

    def token(self) -> str:
        found = re.search(r"/claim#([A-Za-z0-9_-]{43})", self.last("delivery").text)
        assert found
        return found.group(1)

    def code(self) -> str:
        found = re.search(r"^ +([0-9]{6})$", self.last("code").text, re.MULTILINE)
        assert found
        return found.group(1)


@dataclass
class Waits:
    """A monotonic clock that stands still, and the waits that were asked for."""

    seconds: list[float] = field(default_factory=list)

    def min_response_time(self, **given: Any) -> MinResponseTime:
        return MinResponseTime(**given, monotonic=lambda: 0.0, sleep=self.seconds.append)


class Desk:
    """Use cases over one `steps` fixture."""

    def __init__(self, steps: Any) -> None:
        settings, clock = steps.cloud.settings, steps.clock
        self.steps, self.clock, self.mailer, self.waits = steps, clock, ScriptedMailer(), Waits()
        mailer = cast(Mailer, self.mailer)
        self.order_mailer = OrderMailer(
            mailer, "Default Shop", lambda: "https://cards.example", timedelta(days=7), clock
        )
        min_response_time = self.waits.min_response_time()
        keyring = Keyring(boto_clients.kms(), settings.card_key_arn)
        self.bucket = DownloadsBucket(boto_clients.s3(), settings.downloads_bucket)
        self.open = OpenClaim(clock, min_response_time)
        self.code_sender = SendCode(mailer, "Default Shop", clock, min_response_time)
        self.redeem = RedeemClaim(clock, min_response_time)
        self.reveal = RevealClaimed(keyring, clock, min_response_time)
        self.renew = RenewClaim(
            self.order_mailer, self.waits.min_response_time(floor_s=1.5, always=True)
        )
        self.resend = ResendEmail(self.order_mailer)
        self.create = CreateDownload(
            keyring, self.bucket, settings.downloads_key_arn, clock, min_response_time
        )
        self.download = RedeemDownload(self.bucket, clock, min_response_time)
        self.handle = HandleEmailEvent(clock)

    def mailed(self, **recipient: Any) -> tuple[str, ClaimRequest]:
        """A stored order whose mail was sent, and a claim with its link."""
        order_id = self.steps.stored_for(**recipient)
        self.order_mailer.deliver(order_id)
        return order_id, ClaimRequest(self.mailer.token(), None, ORIGIN)

    def send_code(self, claim: ClaimRequest, address: str | None = None) -> None:
        """Asked for by who typed the order's address, unless another is given."""
        link = links.find(Kind.CLAIM, claim.token)
        order = tables.find(OrderRecord, link.order_id, ORDER_KEY) if link else None
        on_file = order.customer_email if order else None
        self.code_sender(claim, address or on_file or "ada@example.com")

    def claimed(self, **recipient: Any) -> tuple[str, ClaimRequest]:
        """As `mailed`, and claimed: the claim has the session."""
        order_id, claim = self.mailed(**recipient)
        self.send_code(claim)
        session = self.redeem(claim, self.mailer.code(), None)
        return order_id, ClaimRequest(claim.token, session, ORIGIN)

    def order(self, order_id: str) -> Any:
        return store.find(order_id)

    def events(self, order_id: str) -> list[str]:
        events: list[str] = self.steps.events(order_id)
        return events
