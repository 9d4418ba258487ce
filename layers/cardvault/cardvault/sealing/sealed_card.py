"""A sealed card, version 1: a sealed box (`core/sealed_box.py`) with these keys and this data.

    keys    = HKDF-SHA256(data key, no salt, info "cardvault sealed card v1", 64 bytes)
              first half the AES-256-GCM key, second half the key commitment
    AAD     = "cardvault sealed card" || version || tenantId || orderId || number || count,
              each with its length in front as 4 bytes, big endian

The commitment pins the one key that may open a card: GCM alone does not. Test vectors:
tests/vectors/sealed_card_v1.json.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cardvault.core.cards import Card
from cardvault.core.sealed_box import KEY_BYTES, VERSION, SealedBox, derive
from cardvault.errors import CannotOpen

_LABEL = b"cardvault sealed card"
_INFO = b"cardvault sealed card v1"
_NUMBER_BYTES = 4


@dataclass(frozen=True, slots=True)
class Places:
    """Where an order's sealed cards belong, and nowhere else: whose order, which card of how many.

    The additional authenticated data is unambiguous because each part has its length; but for the
    number it is alike for all cards of an order.
    """

    _before_number: bytes
    _after_number: bytes

    @classmethod
    def of(cls, tenant_id: str, order_id: str, count: int) -> "Places":
        """The places of an order's `count` cards."""
        parts = (_LABEL, VERSION, tenant_id.encode(), order_id.encode())
        before = b"".join(map(_framed, parts)) + _NUMBER_BYTES.to_bytes(4, "big")
        return cls(before, _framed(count.to_bytes(_NUMBER_BYTES, "big")))

    def associated_data(self, numbers: Iterable[int]) -> Iterator[bytes]:
        """The additional authenticated data of the cards of these numbers."""
        before, after = self._before_number, self._after_number
        return (before + number.to_bytes(_NUMBER_BYTES, "big") + after for number in numbers)


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

    def seal(self, cards: Sequence[Card], places: Places, numbers: Iterable[int]) -> list[bytes]:
        """The cards, sealed for the places of these numbers."""
        contents = [card.to_bytes() for card in cards]
        return self._box.seal_each(contents, places.associated_data(numbers))

    def open(
        self, sealed_cards: Sequence[bytes], places: Places, numbers: Iterable[int]
    ) -> list[Card]:
        """The cards sealed for the places of these numbers.

        Raises CannotOpen, as for a place that is another.
        """
        data, open_box = places.associated_data(numbers), self._box.open
        return [
            Card.from_bytes(open_box(sealed, own))
            for sealed, own in zip(sealed_cards, data, strict=True)
        ]
