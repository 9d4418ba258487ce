"""KMS symmetric keys with real authenticated encryption.

Fills a gap: the emulator encrypts with a keystream and no tag, so a changed ciphertext decrypts
to garbage, a wrong KeyId is not noticed, ReEncrypt does not exist and any size is accepted. Here a
ciphertext is AES-256-GCM under a key derived from the KMS key's own secret and a salt, with the
encryption context and the key's id as additional data, and the errors are AWS's. The emulator's
IAM finds the key's id where it looks for it, in the first 36 bytes.
"""

import base64
import functools
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from ministack.services import kms

from local.emulator import iam
from local.emulator.provisioning import Response

KEY_ID_BYTES = 36
SALT_BYTES = 16
NONCE_BYTES = 12
PLAINTEXT_MAX_BYTES = 4096
DATA_KEY_BYTES = {"AES_256": 32, "AES_128": 16}

Request = dict[str, Any]
KeyRecord = dict[str, Any]


class KmsError(Exception):
    """An error as the KMS API answers it."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message)
        self.code = code


def fill_gaps() -> None:
    """Replace the symmetric operations; everything asymmetric stays the emulator's own."""
    kms._encrypt = _operation(encrypt, otherwise=kms._encrypt)
    kms._decrypt = _operation(decrypt, otherwise=kms._decrypt)
    kms._generate_data_key = _operation(generate_data_key)
    kms._generate_data_key_without_plaintext = _operation(generate_data_key_without_plaintext)
    _serve_re_encrypt()


def encrypt(request: Request) -> Request | None:
    """Encrypt under a symmetric key, or return None for the emulator to handle another kind."""
    key = _usable_key(request.get("KeyId", ""))
    if "_symmetric_key" not in key:
        return None
    plaintext = base64.b64decode(request.get("Plaintext", ""))
    if not 1 <= len(plaintext) <= PLAINTEXT_MAX_BYTES:
        raise KmsError("ValidationException", "plaintext must have 1 to 4096 bytes")
    return {
        "KeyId": key["Arn"],
        "CiphertextBlob": _encoded(_seal(key, plaintext, _context(request))),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }


def decrypt(request: Request) -> Request | None:
    """Decrypt what a symmetric key encrypted, or return None for a key of another kind."""
    named = request.get("KeyId")
    if named and "_symmetric_key" not in _known_key(named):
        return None
    blob = base64.b64decode(request.get("CiphertextBlob", ""))
    key, plaintext = _open(blob, _context(request), named)
    return {
        "KeyId": key["Arn"],
        "Plaintext": _encoded(plaintext),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "KeyMaterialId": kms._key_material_id(key),
    }


def generate_data_key(request: Request) -> Request:
    """Make a data key and return it both plain and encrypted."""
    key = _usable_key(request.get("KeyId", ""))
    if "_symmetric_key" not in key:
        raise KmsError("InvalidKeyUsageException", f"{key['Arn']} cannot make data keys")
    if ("KeySpec" in request) == ("NumberOfBytes" in request):
        raise KmsError("ValidationException", "specify either KeySpec or NumberOfBytes")
    size = request.get("NumberOfBytes") or DATA_KEY_BYTES.get(request.get("KeySpec", ""), 0)
    if not 1 <= size <= 1024:
        raise KmsError("ValidationException", "no such size of data key")
    data_key = os.urandom(size)
    return {
        "KeyId": key["Arn"],
        "Plaintext": _encoded(data_key),
        "CiphertextBlob": _encoded(_seal(key, data_key, _context(request))),
        "KeyMaterialId": kms._key_material_id(key),
    }


def generate_data_key_without_plaintext(request: Request) -> Request:
    """Make a data key and return it encrypted only."""
    made = generate_data_key(request)
    del made["Plaintext"]
    return made


def re_encrypt(request: Request) -> Request:
    """Decrypt and encrypt again, under another key or context, without showing the plaintext."""
    blob = base64.b64decode(request.get("CiphertextBlob", ""))
    source, plaintext = _open(
        blob, _context(request, "SourceEncryptionContext"), request.get("SourceKeyId")
    )
    destination = _usable_key(request.get("DestinationKeyId", ""))
    if "_symmetric_key" not in destination:
        raise KmsError("InvalidKeyUsageException", f"{destination['Arn']} is not symmetric")
    context = _context(request, "DestinationEncryptionContext")
    return {
        "CiphertextBlob": _encoded(_seal(destination, plaintext, context)),
        "SourceKeyId": source["Arn"],
        "KeyId": destination["Arn"],
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": kms._key_material_id(source),
        "DestinationKeyMaterialId": kms._key_material_id(destination),
    }


def _operation(
    operate: Callable[[Request], Request | None],
    otherwise: Callable[[Request], Response] | None = None,
) -> Callable[[Request], Response]:
    """Turn an operation of this module into one of the emulator's handlers."""

    @functools.wraps(operate)
    def handle(request: Request) -> Response:
        try:
            answer = operate(request)
        except KmsError as error:
            failed: Response = kms.error_response_json(error.code, str(error), 400)
            return failed
        if answer is None:
            assert otherwise is not None, "only operations with a fallback return None"  # noqa: S101
            return otherwise(request)
        done: Response = kms.json_response(answer)
        return done

    return handle


def _serve_re_encrypt() -> None:
    handle_request = kms.handle_request
    handle_re_encrypt = _operation(re_encrypt)

    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: object
    ) -> Response:
        if headers.get("x-amz-target") == iam.RE_ENCRYPT:
            request = json.loads(body)
            destination = kms._resolve_key(request.get("DestinationKeyId", "")) or {}
            arn = destination.get("Arn", "*")
            refusal = iam.refuse_re_encrypt_to(headers, query, arn, request)
            return refusal or handle_re_encrypt(request)
        answer: Response = await handle_request(method, path, headers, body, query)
        return answer

    kms.handle_request = handle


def _known_key(reference: str) -> KeyRecord:
    key: KeyRecord | None = kms._resolve_key(reference)
    if key is None:
        raise KmsError("NotFoundException", f"Key '{reference}' does not exist")
    return key


def _usable_key(reference: str) -> KeyRecord:
    key = _known_key(reference)
    _check_state(key)
    if key["KeyUsage"] != "ENCRYPT_DECRYPT":
        message = f"{key['Arn']} key usage is {key['KeyUsage']}, not ENCRYPT_DECRYPT"
        raise KmsError("InvalidKeyUsageException", message)
    return key


def _check_state(key: KeyRecord) -> None:
    if key["KeyState"] == "Disabled":
        raise KmsError("DisabledException", f"{key['Arn']} is disabled.")
    if key["KeyState"] != "Enabled":
        state = {"PendingDeletion": "pending deletion", "PendingImport": "pending import"}
        what = state.get(key["KeyState"], key["KeyState"])
        raise KmsError("KMSInvalidStateException", f"{key['Arn']} is {what}.")


def _context(request: Request, name: str = "EncryptionContext") -> bytes:
    """Return the one byte string that stands for an encryption context."""
    return json.dumps(request.get(name) or {}, sort_keys=True).encode()


def _seal(key: KeyRecord, plaintext: bytes, context: bytes) -> bytes:
    key_id, salt, nonce = key["KeyId"].encode(), os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    sealed = _cipher(key, salt).encrypt(nonce, plaintext, key_id + context)
    return bytes(key_id + salt + nonce + sealed)


def _open(blob: bytes, context: bytes, named: str | None) -> tuple[KeyRecord, bytes]:
    """Open a ciphertext with the key it names, which must be the key the caller names."""
    key_id, salt, nonce, sealed = _split(blob)
    key: KeyRecord | None = kms._resolve_key(key_id.decode(errors="replace"))
    if named and key is not _known_key(named) and key is not None:
        raise KmsError(
            "IncorrectKeyException",
            "The key ID in the request does not identify a key that can perform this operation.",
        )
    if key is None or "_symmetric_key" not in key:
        raise KmsError("InvalidCiphertextException")
    _check_state(key)
    try:
        return key, _cipher(key, salt).decrypt(nonce, sealed, key_id + context)
    except (InvalidTag, ValueError) as error:
        raise KmsError("InvalidCiphertextException") from error


def _split(blob: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Take a ciphertext apart: the key's id, then salt and nonce, then what was encrypted."""
    salt_at, nonce_at = KEY_ID_BYTES, KEY_ID_BYTES + SALT_BYTES
    sealed_at = nonce_at + NONCE_BYTES
    return blob[:salt_at], blob[salt_at:nonce_at], blob[nonce_at:sealed_at], blob[sealed_at:]


def _cipher(key: KeyRecord, salt: bytes) -> AESGCM:
    """Derive a key for one message, so that no number of messages can repeat a nonce."""
    derivation = HKDF(hashes.SHA256(), length=32, salt=salt, info=b"embedded kms")
    return AESGCM(derivation.derive(key["_symmetric_key"]))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
