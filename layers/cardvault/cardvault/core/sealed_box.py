"""The sealed box: AES-256-GCM with a version in front, for everything that is sealed at rest.

    sealed = version (1 byte) || nonce (12 bytes) || ciphertext || tag (16 bytes)

Each format has versions, keys and associated data of its own: `sealing/sealed_card.py` and
`giftcards/security/vault.py` say which. Sources: NIST SP 800-38D (a random 96-bit nonce, far fewer
than 2^32 boxes per key), RFC 5869 (HKDF).
"""

import secrets
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cardvault.errors import CannotOpen

VERSION = b"\x01"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
_HEADER_BYTES = len(VERSION) + NONCE_BYTES


def derive(key: bytes, info: bytes, length: int = KEY_BYTES) -> bytes:
    """HKDF-SHA256 without salt: another key for each `info`."""
    return HKDF(SHA256(), length, salt=None, info=info).derive(key)


class SealedBox:
    """Seals under one key of 32 bytes, and says in front which version of its format that is."""

    def __init__(self, key: bytes, version: bytes = VERSION) -> None:
        self._cipher = AESGCM(key)
        self._version = version

    def seal(self, content: bytes, associated_data: bytes) -> bytes:
        """The content, which opens only with the same associated data."""
        return self.seal_each([content], [associated_data])[0]

    def seal_each(self, contents: Sequence[bytes], associated_data: Iterable[bytes]) -> list[bytes]:
        """Each content with associated data of its own, after one draw of nonces for all."""
        nonces = secrets.token_bytes(NONCE_BYTES * len(contents))
        version, encrypt, at, sealed = self._version, self._cipher.encrypt, 0, []
        for content, data in zip(contents, associated_data, strict=True):
            nonce = nonces[at : (at := at + NONCE_BYTES)]
            sealed.append(version + nonce + encrypt(nonce, content, data))
        return sealed

    def open(self, sealed: bytes, associated_data: bytes) -> bytes:
        """The content. Raises CannotOpen.

        That is if it was altered, cut, sealed with other associated data or under another key, or
        is of another version; the error does not say which.
        """
        if len(sealed) < _HEADER_BYTES + TAG_BYTES or sealed[:1] != self._version:
            raise CannotOpen
        nonce, box = sealed[1:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        try:
            return self._cipher.decrypt(nonce, box, associated_data)
        except InvalidTag:
            raise CannotOpen from None
