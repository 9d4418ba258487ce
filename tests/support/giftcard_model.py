"""What a gift card is, in a dozen lines of arithmetic: the model beside the real store."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class CardModel:
    """Money in minor units; `taken` is what can still be refunded, by transaction."""

    id: str
    number: str
    value: int
    expires: datetime
    balance: int = 0
    activated: bool = False
    voided: bool = False
    suspended: bool = False
    until: datetime | None = None
    entries: int = 1
    posted: bool = False
    holds: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)

    def status(self, now: datetime) -> str:
        if self.voided:
            return "voided"
        if now >= self.expires:
            return "expired"
        if not self.activated:
            return "pending"
        if self.suspended and (self.until is None or now < self.until):
            return "suspended"
        return "active" if self.balance else "depleted"

    def held(self, now: datetime) -> int:
        if self.voided:
            return 0
        return sum(held for held, until in self.holds.values() if now < until)

    def free(self, now: datetime) -> int:
        return self.balance - self.held(now)

    def move(self, by: int) -> None:
        self.balance += by
        self.entries += 1
