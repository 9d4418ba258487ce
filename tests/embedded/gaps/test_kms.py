"""KMS symmetric keys: real encryption and AWS's errors."""

import pytest

from tests.embedded.gaps.helpers import refused

pytestmark = pytest.mark.embedded

CONTEXT = {"tenantId": "shop", "orderId": "1"}


@pytest.fixture
def kms(probe_stack):
    return probe_stack.client("kms")


@pytest.fixture
def key(probe_stack):
    return probe_stack.outputs["KeyId"]


@pytest.fixture
def wrapped(kms, key):
    return kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)


def test_a_changed_ciphertext_is_refused(kms, key, wrapped):
    blob = bytearray(wrapped["CiphertextBlob"])
    arguments = {"KeyId": key, "EncryptionContext": CONTEXT}
    assert (
        kms.decrypt(CiphertextBlob=bytes(blob), **arguments)["Plaintext"] == (wrapped["Plaintext"])
    )
    for position in (0, 40, len(blob) - 1):
        changed = blob.copy()
        changed[position] ^= 1
        code = refused(kms.decrypt, CiphertextBlob=bytes(changed), **arguments)
        assert code == "InvalidCiphertextException"


def test_another_context_is_refused(kms, key, wrapped):
    blob, context = wrapped["CiphertextBlob"], CONTEXT | {"orderId": "2"}
    code = refused(kms.decrypt, KeyId=key, CiphertextBlob=blob, EncryptionContext=context)
    assert code == "InvalidCiphertextException"
    again = {"CiphertextBlob": blob, "SourceEncryptionContext": context}
    code = refused(kms.re_encrypt, DestinationKeyId=key, **again)
    assert code == "InvalidCiphertextException"


def test_another_key_is_refused(kms, probe_stack, wrapped):
    code = refused(
        kms.decrypt,
        KeyId=probe_stack.outputs["OtherKeyId"],
        CiphertextBlob=wrapped["CiphertextBlob"],
        EncryptionContext=CONTEXT,
    )
    assert code == "IncorrectKeyException"


def test_a_key_can_be_wrapped_again(kms, key, probe_stack, wrapped):
    other, context = probe_stack.outputs["OtherKeyId"], {"purpose": "rotated"}
    again = kms.re_encrypt(
        CiphertextBlob=wrapped["CiphertextBlob"],
        SourceKeyId=key,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other,
        DestinationEncryptionContext=context,
    )
    opened = kms.decrypt(
        KeyId=other, CiphertextBlob=again["CiphertextBlob"], EncryptionContext=context
    )
    assert opened["Plaintext"] == wrapped["Plaintext"]


def test_a_disabled_key_does_nothing(kms, key):
    disabled = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=disabled, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=disabled)
    assert refused(kms.decrypt, CiphertextBlob=blob) == "DisabledException"
    assert refused(kms.encrypt, KeyId=disabled, Plaintext=b"x") == "DisabledException"
    again = {"CiphertextBlob": blob, "DestinationKeyId": key}
    assert refused(kms.re_encrypt, **again) == "DisabledException"


def test_plaintext_has_a_largest_size(kms, key):
    assert refused(kms.encrypt, KeyId=key, Plaintext=b"x" * 4097) == "ValidationException"
