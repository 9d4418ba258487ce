"""The keys in a gift cards' secret, and how one takes the place of another.

    {"key": K, "next"?: K, "former"?: [K, …], "changedAt"?: time, "resealedAt"?: time}

`key` is in use, `former` were (newest first), `next` will be: every function must have read a key
before the first one uses it. A secret that was never rotated holds `key` alone. The reasons:
docs/decisions/0054-rotating-the-keys-of-gift-cards.md.

    settled --prepare--> prepared --switch--> switched --reseal--> resealed --retire--> settled
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from cardvault.aws.cached_secret import LIFETIME_S
from cardvault.core.clock import from_text, to_text
from cardvault.core.sealed_box import derive
from cardvault.errors import InvalidRequest

# Twice as long as a function keeps a secret, for one that is just answering a request.
UNTIL_READ_EVERYWHERE = timedelta(seconds=2 * LIFETIME_S)


class Stage(StrEnum):
    """How far a rotation is."""

    SETTLED = "settled"
    PREPARED = "prepared"
    SWITCHED = "switched"
    RESEALED = "resealed"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one secret, each a text of at least 256 random bits.

    `resealed_at` is when a pass over everything that is sealed ended with nothing left behind.
    """

    current: str = field(repr=False)
    former: tuple[str, ...] = field(default=(), repr=False)
    next: str | None = field(default=None, repr=False)
    changed_at: datetime | None = None
    resealed_at: datetime | None = None

    @classmethod
    def of(cls, secret: Mapping[str, Any]) -> Self:
        """The keys that the secret holds."""
        changed_at, resealed_at = secret.get("changedAt"), secret.get("resealedAt")
        return cls(
            secret["key"],
            tuple(secret.get("former", ())),
            secret.get("next"),
            from_text(changed_at) if changed_at else None,
            from_text(resealed_at) if resealed_at else None,
        )

    def as_secret(self) -> dict[str, Any]:
        """What `of` reads."""
        kept: dict[str, Any] = {
            "key": self.current,
            "former": list(self.former),
            "next": self.next,
            "changedAt": to_text(self.changed_at) if self.changed_at else None,
            "resealedAt": to_text(self.resealed_at) if self.resealed_at else None,
        }
        return {name: value for name, value in kept.items() if value}

    @property
    def others(self) -> tuple[str, ...]:
        """All keys but the one in use."""
        return self.former if self.next is None else (*self.former, self.next)

    @property
    def oldest(self) -> str:
        """The first key that the secret ever had, while none was dropped."""
        return self.former[-1] if self.former else self.current

    @property
    def stage(self) -> Stage:
        """How far the rotation is; of a secret that keeps its former keys it is never settled."""
        if self.next:
            return Stage.PREPARED
        if self.former:
            return Stage.RESEALED if self.resealed_at else Stage.SWITCHED
        return Stage.SETTLED

    def prepared(self, new: str, now: datetime) -> Self:
        """With a next key; the one that there is already, if there is one."""
        return self if self.next else replace(self, next=new, changed_at=now)

    def switched(self, now: datetime) -> Self:
        """With the next key in use, if there is one."""
        if self.next is None:
            return self
        former = (self.current, *self.former)
        return replace(self, current=self.next, former=former, next=None, changed_at=now)

    def resealed(self, now: datetime) -> Self:
        """With the note that nothing is left under a former key."""
        return replace(self, resealed_at=now)

    def retired(self, now: datetime) -> Self:
        """Without the former keys, if there are any."""
        return replace(self, former=(), changed_at=now, resealed_at=None) if self.former else self

    def expect_read_everywhere(self, now: datetime) -> None:
        """Raises InvalidRequest, naming the moment, while a function may hold the keys before."""
        if self.changed_at and now < self.changed_at + UNTIL_READ_EVERYWHERE:
            moment = to_text(self.changed_at + UNTIL_READ_EVERYWHERE)
            raise InvalidRequest(f"functions may still hold the keys before; go on at {moment}")


def derived(key: str, use: bytes) -> bytes:
    """The key for one use, 32 bytes."""
    return derive(key.encode(), b"cardvault gift card " + use)
