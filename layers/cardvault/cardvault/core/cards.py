"""The card: what a customer pays for, and what must not leave memory unsealed."""

import json
from dataclasses import dataclass, field
from typing import Any

# Made once: json.dumps and json.loads make theirs anew at each call.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().decode


@dataclass(frozen=True, slots=True)
class Card:
    """One gift card's code (`value`) and its `serial`, when it has one. Both are secret.

    Neither shows in a repr, so a card in a traceback or a log line stays closed (I1).
    """

    value: str = field(repr=False)
    serial: str | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        """The card as UTF-8 JSON, `["value", "serial"]`."""
        return _encode([self.value, self.serial]).encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> "Card":
        """The card that `to_bytes` wrote."""
        value, serial = _decode(payload.decode())
        return cls(value, serial)

    def view(self, number: int) -> dict[str, Any]:
        """The card in the clear, as answers and files show it under its number in the order."""
        return {"cardNumber": number, "code": self.value, "serial": self.serial}
