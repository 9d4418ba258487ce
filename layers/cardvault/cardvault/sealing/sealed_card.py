"""The sealed format, version 1. Test vectors: tests/vectors/sealed_card_v1.json.

    sealed  = version (1 byte, 0x01) || nonce (12 bytes) || ciphertext || tag (16 bytes)
    keys    = HKDF-SHA256(data key, no salt, info "cardvault sealed card v1", 64 bytes)
              first half the AES-256-GCM key, second half the key commitment
    AAD     = "cardvault sealed card" || version || tenantId || orderId || number || count,
              each with its length in front as 4 bytes, big endian

Sources: NIST SP 800-38D (GCM; a random 96-bit nonce, far fewer than 2^32 cards per key),
RFC 5869 (HKDF). The commitment pins the one key that may open a card: GCM alone does not.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cardvault.core.cards import Card
from cardvault.errors import CannotOpen

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES = 32
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
    parts = (_LABEL, bytes([VERSION]), tenant_id.encode(), order_id.encode())
    return b"".join(map(_framed, parts))


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


@dataclass(frozen=True, slots=True)
class CardKey:
    """What one order's cards are sealed under, derived from its data key."""

    commitment: bytes
    _cipher: AESGCM = field(repr=False)

    @classmethod
    def derive(cls, data_key: bytes) -> "CardKey":
        """From 32 bytes of data key, as KMS GenerateDataKey or Decrypt returns them."""
        keys = HKDF(SHA256(), 2 * KEY_BYTES, salt=None, info=_INFO).derive(data_key)
        return cls(commitment=keys[KEY_BYTES:], _cipher=AESGCM(keys[:KEY_BYTES]))

    def expect(self, commitment: bytes) -> None:
        """Refuse to go on with another key than the one that sealed. Raises CannotOpen."""
        if not hmac.compare_digest(self.commitment, commitment):
            raise CannotOpen

    def seal(self, card: Card, place: Place) -> bytes:
        """The card, sealed for this place."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        box = self._cipher.encrypt(nonce, card.to_bytes(), place.associated_data())
        return bytes([VERSION]) + nonce + box

    def open(self, sealed: bytes, place: Place) -> Card:
        """The card sealed for this place.

        Raises CannotOpen if it was altered, cut, sealed for another place or under another key,
        or is of an unknown version; the error does not say which.
        """
        if len(sealed) < 1 + NONCE_BYTES + TAG_BYTES or sealed[0] != VERSION:
            raise CannotOpen
        nonce, box = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return Card.from_bytes(self._cipher.decrypt(nonce, box, place.associated_data()))
        except InvalidTag:
            raise CannotOpen from None
