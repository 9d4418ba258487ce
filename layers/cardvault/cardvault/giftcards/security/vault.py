"""Card numbers and security codes at rest. The reasons: docs/decisions/0021.

A number is sealed under AES-256-GCM, bound to its card, and found by HMAC-SHA256. A security code
is kept as HMAC-SHA256 only, bound to its card and under another secret, which those who merely
read cards do not have. The keys come from the secrets by HKDF-SHA256, one for each use. What is
sealed is a sealed box (`core/sealed_box.py`) bound to its place.
"""

import hmac
import secrets
from dataclasses import dataclass, field

from cardvault.aws.cached_secret import CachedSecret
from cardvault.core.sealed_box import VERSION, SealedBox, derive
from cardvault.errors import CannotOpen

NUMBER_LENGTH = 16
CODE_LENGTH = 6
# Major industry identifier 9, which no payment scheme uses: nobody takes it for a bank card.
# Source: ISO/IEC 7812-1
PREFIX = "9"


def new_number() -> str:
    """A random card number with its check digit. The caller must make sure that it is unique."""
    free = NUMBER_LENGTH - len(PREFIX) - 1
    digits = PREFIX + f"{secrets.randbelow(10**free):0{free}d}"
    return digits + check_digit(digits)


def new_code() -> str:
    """A random security code."""
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}d}"


def check_digit(digits: str) -> str:
    """The Luhn digit that makes `digits` a number. Source: ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * 2 for digit in digits[::-2])
    total = sum(twice - 9 if twice > 9 else twice for twice in doubled)
    total += sum(int(digit) for digit in digits[-2::-2])
    return str(-total % 10)


def is_number(text: str) -> bool:
    """Whether the text has the shape of a card number of ours, check digit included."""
    shaped = len(text) == NUMBER_LENGTH and text.isascii() and text.isdigit()
    return shaped and check_digit(text[:-1]) == text[-1]


@dataclass(frozen=True, slots=True)
class NumberVault:
    """Seals and finds card numbers, and seals the answers that hold one.

    `secret` is `{"key": …}`, at least 256 random bits.
    """

    secret: CachedSecret = field(repr=False)

    def index_of(self, number: str) -> str:
        """What a number is found by."""
        return self._mac(b"number", number.encode()).hex()

    def fingerprint(self, content: str) -> bytes:
        """A keyed fingerprint, so that what is short cannot be guessed from it."""
        return self._mac(b"fingerprint", content.encode())

    def seal(self, content: str, place: str) -> bytes:
        """The text, sealed for this place and no other."""
        return self._box().seal(content.encode(), _bound(place))

    def open(self, sealed: bytes, place: str) -> str:
        """The text sealed for this place. Raises CannotOpen."""
        try:
            return self._box().open(sealed, _bound(place)).decode()
        except UnicodeDecodeError:
            raise CannotOpen from None

    def _box(self) -> SealedBox:
        return SealedBox(_derived(self.secret, b"seal"))

    def _mac(self, use: bytes, content: bytes) -> bytes:
        return hmac.digest(_derived(self.secret, use), content, "sha256")


@dataclass(frozen=True, slots=True)
class CodeVault:
    """Checks a security code against its stored MAC.

    `secret` is `{"key": …}`, at least 256 random bits.
    """

    secret: CachedSecret = field(repr=False)

    def mac(self, card_id: str, code: str) -> bytes:
        """What is kept of a card's security code."""
        content = card_id.encode() + b"\0" + code.encode()
        return hmac.digest(_derived(self.secret, b"security code"), content, "sha256")

    def matches(self, kept: bytes | None, card_id: str, code: str) -> bool:
        """Whether this is the card's code, in constant time; never if it has none."""
        given = self.mac(card_id, code)
        return hmac.compare_digest(given, kept or bytes(len(given))) and kept is not None


def _bound(place: str) -> bytes:
    return VERSION + b"cardvault gift card\0" + place.encode()


def _derived(secret: CachedSecret, use: bytes) -> bytes:
    return derive(secret.value()["key"].encode(), b"cardvault gift card " + use)
