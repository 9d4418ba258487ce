"""Card numbers and security codes at rest. The reasons: docs/decisions/0021.

A number is sealed under AES-256-GCM, bound to its card, and found by HMAC-SHA256. A security code
is kept as HMAC-SHA256 only, bound to its card and under another secret, which those who merely
read cards do not have. The keys come from the secrets by HKDF-SHA256, one for each use. While a
secret is rotated, what is under another of its keys is found and opened too: `keys.py`.

What is sealed is a sealed box (`core/sealed_box.py`) bound to its place:

    version 2   what is sealed now: a key for each place, so that no key seals more than a few boxes
                key = HKDF-SHA256(secret, no salt, info "cardvault gift card seal " || place)
    version 1   what former releases sealed, opened for ever: one key for all places
                key = HKDF-SHA256(secret, no salt, info "cardvault gift card seal")
    AAD         version || "cardvault gift card" || 0x00 || place

    code        ids of keys (4 bytes each) || MAC under the last of them (32 bytes)
                MAC 1 = HMAC-SHA256(first key's "security code", card's id || 0x00 || code)
                MAC n = HMAC-SHA256(next key's "security code again", MAC n-1)
                Former releases kept a MAC 1 under the oldest key without its id.

Test vectors: tests/vectors/gift_cards_v1.json, gift_cards_v2.json and gift_cards_v3.json.
"""

import hmac
import secrets
from dataclasses import dataclass, field

from cardvault.aws.cached_secret import CachedSecret
from cardvault.core.sealed_box import SealedBox
from cardvault.errors import CannotOpen
from cardvault.giftcards.security.keys import Keys, derived

ONE_KEY, KEY_PER_PLACE = b"\x01", b"\x02"
NUMBER_LENGTH = 16
CODE_LENGTH = 6
# Major industry identifier 9, which no payment scheme uses: nobody takes it for a bank card.
# Source: ISO/IEC 7812-1
PREFIX = "9"
_KEY_ID_BYTES, _MAC_BYTES = 4, 32


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

    `secret` is what `Keys.of` reads.
    """

    secret: CachedSecret = field(repr=False)

    def index_of(self, number: str) -> str:
        """What a number is found by, under the key in use."""
        return _index(self._keys().current, number)

    def indexes_of(self, number: str) -> list[str]:
        """What a number may be found by, all to be looked for in this order.

        The key in use comes last: what is moved to it between two reads is met all the same.
        """
        keys = self._keys()
        return [_index(key, number) for key in (*keys.others, keys.current)]

    def fingerprint(self, content: str) -> bytes:
        """A keyed fingerprint, so that what is short cannot be guessed from it."""
        return _mac(self._keys().current, b"fingerprint", content.encode())

    def is_fingerprint(self, kept: bytes, content: str) -> bool:
        """Whether that was kept of this text, under any of the keys, or taken to the one in use."""
        keys = self._keys()
        direct = [
            _mac(key, b"fingerprint", content.encode()) for key in (keys.current, *keys.others)
        ]
        again = [_mac(keys.current, b"fingerprint again", mac) for mac in direct]
        return any(hmac.compare_digest(kept, mac) for mac in (*direct, *again))

    def fingerprint_again(self, kept: bytes) -> bytes:
        """A fingerprint under a former key, taken to the one in use."""
        return _mac(self._keys().current, b"fingerprint again", kept)

    def seal(self, content: str, place: str) -> bytes:
        """The text, sealed for this place and no other."""
        box = _box(self._keys().current, KEY_PER_PLACE, place)
        return box.seal(content.encode(), _bound(KEY_PER_PLACE, place))

    def open(self, sealed: bytes, place: str) -> str:
        """The text sealed for this place, under any of the keys. Raises CannotOpen."""
        keys = self._keys()
        for key in (keys.current, *keys.others):
            content = _opened(key, sealed, place)
            if content is not None:
                return content
        raise CannotOpen

    def is_current(self, sealed: bytes, place: str) -> bool:
        """Whether it opens under the key in use."""
        return _opened(self._keys().current, sealed, place) is not None

    def _keys(self) -> Keys:
        return Keys.of(self.secret.value())


@dataclass(frozen=True, slots=True)
class CodeVault:
    """Checks a security code against its stored MAC.

    `secret` is what `Keys.of` reads. Its former keys stay in it: they alone tell whether a code
    is right that was issued under them, and open nothing.
    """

    secret: CachedSecret = field(repr=False)

    def mac(self, card_id: str, code: str) -> bytes:
        """What is kept of a card's security code."""
        key = self._keys().current
        return _key_id(key) + _code_mac(key, card_id, code)

    def matches(self, kept: bytes | None, card_id: str, code: str) -> bool:
        """Whether this is the card's code, in constant time; never if it has none."""
        keys = self._keys()
        ids, mac = _parts(kept) if kept else ([_key_id(keys.current)], bytes(_MAC_BYTES))
        by_id = {_key_id(key): key for key in (keys.current, *keys.others)}
        if not set(ids) <= set(by_id):
            return False
        first, *later = [by_id[key_id] for key_id in ids] or [keys.oldest]
        given = _code_mac(first, card_id, code)
        for key in later:
            given = _mac(key, b"security code again", given)
        return hmac.compare_digest(given, mac) and kept is not None

    def is_current(self, kept: bytes) -> bool:
        """Whether its last key is the one in use."""
        keys = self._keys()
        ids, _ = _parts(kept)
        return (ids or [_key_id(keys.oldest)])[-1] == _key_id(keys.current)

    def mac_again(self, kept: bytes) -> bytes:
        """What is kept of a code, taken to the key in use; nobody needs to know the code."""
        keys = self._keys()
        ids, mac = _parts(kept)
        ids = [*(ids or [_key_id(keys.oldest)]), _key_id(keys.current)]
        return b"".join(ids) + _mac(keys.current, b"security code again", mac)

    def _keys(self) -> Keys:
        return Keys.of(self.secret.value())


def _mac(key: str, use: bytes, content: bytes) -> bytes:
    return hmac.digest(derived(key, use), content, "sha256")


def _index(key: str, number: str) -> str:
    return _mac(key, b"number", number.encode()).hex()


def _code_mac(key: str, card_id: str, code: str) -> bytes:
    return _mac(key, b"security code", card_id.encode() + b"\0" + code.encode())


def _key_id(key: str) -> bytes:
    return derived(key, b"key id")[:_KEY_ID_BYTES]


def _parts(kept: bytes) -> tuple[list[bytes], bytes]:
    """The ids of the keys, first to last, and the MAC."""
    ids, mac = kept[:-_MAC_BYTES], kept[-_MAC_BYTES:]
    starts = range(0, len(ids), _KEY_ID_BYTES)
    return [ids[start : start + _KEY_ID_BYTES] for start in starts], mac


def _box(key: str, version: bytes, place: str) -> SealedBox:
    use = b"seal" if version == ONE_KEY else b"seal " + place.encode()
    return SealedBox(derived(key, use), version)


def _opened(key: str, sealed: bytes, place: str) -> str | None:
    version = ONE_KEY if sealed[:1] == ONE_KEY else KEY_PER_PLACE
    try:
        return _box(key, version, place).open(sealed, _bound(version, place)).decode()
    except (CannotOpen, UnicodeDecodeError):
        return None


def _bound(version: bytes, place: str) -> bytes:
    return version + b"cardvault gift card\0" + place.encode()
