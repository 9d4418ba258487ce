"""Data keys: one per order, made and unwrapped by KMS, kept only wrapped.

The encryption context binds a wrapped key to its order, its purpose, and who may see the cards;
KMS refuses to unwrap it under any other. Source: https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cardvault.errors import CannotOpen
from cardvault.sealing.sealed_card import CardKey

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_NOT_OURS = {"InvalidCiphertextException", "IncorrectKeyException"}


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """What the wrapped key of an order is bound to. Not secret: CloudTrail shows it.

    `access_hash` is `OrderRecord.access_hash`; keys that former releases made are bound to none.
    """

    tenant_id: str
    order_id: str
    access_hash: str | None

    @property
    def encryption_context(self) -> dict[str, str]:
        """As KMS takes it."""
        context = {"tenantId": self.tenant_id, "orderId": self.order_id, "purpose": "cards"}
        return {**context, "accessHash": self.access_hash} if self.access_hash else context


@dataclass(frozen=True, slots=True)
class NewDataKey:
    """A fresh card key, with its data key wrapped for keeping."""

    card_key: CardKey = field(repr=False)
    wrapped: bytes
    kms_key_arn: str


@dataclass(frozen=True, slots=True)
class Keyring:
    """The KMS key that wraps data keys. Roles hold only the half of it that they need (I11)."""

    kms: "KMSClient"
    key_arn: str

    def generate(self, binding: KeyBinding) -> NewDataKey:
        """A data key for an order, by one GenerateDataKey."""
        answer = self.kms.generate_data_key(
            KeyId=self.key_arn,
            KeySpec="AES_256",
            EncryptionContext=binding.encryption_context,
        )
        return NewDataKey(
            CardKey.derive(answer["Plaintext"]), answer["CiphertextBlob"], answer["KeyId"]
        )

    def unwrap(self, wrapped: bytes, binding: KeyBinding) -> CardKey:
        """The order's card key, by one Decrypt pinned to our KMS key.

        Raises CannotOpen when the wrapped key is altered or bound to anything else.
        """
        try:
            answer = self.kms.decrypt(
                KeyId=self.key_arn,
                CiphertextBlob=wrapped,
                EncryptionContext=binding.encryption_context,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_OURS:
                raise CannotOpen from None
            raise
        return CardKey.derive(answer["Plaintext"])

    def rewrap(self, wrapped: bytes, binding: KeyBinding) -> tuple[bytes, str]:
        """The same data key wrapped under the KMS key's present material, and its key's ARN.

        KMS ReEncrypt does it inside KMS: no plaintext comes out.
        Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
        """
        answer = self.kms.re_encrypt(
            CiphertextBlob=wrapped,
            SourceKeyId=self.key_arn,
            SourceEncryptionContext=binding.encryption_context,
            DestinationKeyId=self.key_arn,
            DestinationEncryptionContext=binding.encryption_context,
        )
        return answer["CiphertextBlob"], answer["KeyId"]
