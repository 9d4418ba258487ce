"""Card numbers and security codes at rest. The reasons: docs/decisions/0021.

A number is sealed under AES-256-GCM, bound to its card, and found by HMAC-SHA256. A security code
is kept as HMAC-SHA256 only, bound to its card and under another secret, which those who merely
read cards do not have. The keys come from the secrets by HKDF-SHA256, one for each use.

What is sealed is a sealed box (`core/sealed_box.py`) bound to its place:

    version 2   what is sealed now: a key for each place, so that no key seals more than a few boxes
                key = HKDF-SHA256(secret, no salt, info "cardvault gift card seal " || place)
    version 1   what former releases sealed, opened for ever: one key for all places
                key = HKDF-SHA256(secret, no salt, info "cardvault gift card seal")
    AAD         version || "cardvault gift card" || 0x00 || place

Test vectors: tests/vectors/gift_cards_v1.json and gift_cards_v2.json.
"""

import hmac
import secrets
from dataclasses import dataclass, field

from cardvault.aws.cached_secret import CachedSecret
from cardvault.core.sealed_box import SealedBox, derive
from cardvault.errors import CannotOpen

ONE_KEY, KEY_PER_PLACE = b"\x01", b"\x02"
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
        return self._box(KEY_PER_PLACE, place).seal(content.encode(), _bound(KEY_PER_PLACE, place))

    def open(self, sealed: bytes, place: str) -> str:
        """The text sealed for this place. Raises CannotOpen."""
        version = ONE_KEY if sealed[:1] == ONE_KEY else KEY_PER_PLACE
        try:
            return self._box(version, place).open(sealed, _bound(version, place)).decode()
        except UnicodeDecodeError:
            raise CannotOpen from None

    def _box(self, version: bytes, place: str) -> SealedBox:
        use = b"seal" if version == ONE_KEY else b"seal " + place.encode()
        return SealedBox(_derived(self.secret, use), version)

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


def _bound(version: bytes, place: str) -> bytes:
    return version + b"cardvault gift card\0" + place.encode()


def _derived(secret: CachedSecret, use: bytes) -> bytes:
    return derive(secret.value()["key"].encode(), b"cardvault gift card " + use)
