"""A sealed card, version 1: a sealed box (`core/sealed_box.py`) with these keys and this data.

    keys    = HKDF-SHA256(data key, no salt, info "cardvault sealed card v1", 64 bytes)
              first half the AES-256-GCM key, second half the key commitment
    AAD     = "cardvault sealed card" || version || tenantId || orderId || number || count,
              each with its length in front as 4 bytes, big endian

The commitment pins the one key that may open a card: GCM alone does not. Test vectors:
tests/vectors/sealed_card_v1.json.
"""

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from cardvault.core.cards import Card
from cardvault.core.sealed_box import KEY_BYTES, VERSION, SealedBox, derive
from cardvault.errors import CannotOpen

_LABEL = b"cardvault sealed card"
_INFO = b"cardvault sealed card v1"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed card belongs, and nowhere else: whose order, which card of how many."""

    tenant_id: str
    order_id: str
    number: int
    count: int

    def associated_data(self) -> bytes:
        """The additional authenticated data, unambiguous because each part has its length."""
        numbers = (self.number.to_bytes(4, "big"), self.count.to_bytes(4, "big"))
        return _order_prefix(self.tenant_id, self.order_id) + b"".join(map(_framed, numbers))


@lru_cache(maxsize=8)
def _order_prefix(tenant_id: str, order_id: str) -> bytes:
    parts = (_LABEL, VERSION, tenant_id.encode(), order_id.encode())
    return b"".join(map(_framed, parts))


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


@dataclass(frozen=True, slots=True)
class CardKey:
    """What one order's cards are sealed under, derived from its data key."""

    commitment: bytes
    _box: SealedBox = field(repr=False)

    @classmethod
    def derive(cls, data_key: bytes) -> "CardKey":
        """From 32 bytes of data key, as KMS GenerateDataKey or Decrypt returns them."""
        keys = derive(data_key, _INFO, 2 * KEY_BYTES)
        return cls(commitment=keys[KEY_BYTES:], _box=SealedBox(keys[:KEY_BYTES]))

    def expect(self, commitment: bytes) -> None:
        """Refuse to go on with another key than the one that sealed. Raises CannotOpen."""
        if not hmac.compare_digest(self.commitment, commitment):
            raise CannotOpen

    def seal(self, card: Card, place: Place) -> bytes:
        """The card, sealed for this place."""
        return self._box.seal(card.to_bytes(), place.associated_data())

    def open(self, sealed: bytes, place: Place) -> Card:
        """The card sealed for this place. Raises CannotOpen, as for a place that is another."""
        return Card.from_bytes(self._box.open(sealed, place.associated_data()))
