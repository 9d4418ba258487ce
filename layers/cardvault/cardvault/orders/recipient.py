"""Whom an order is for: an address, a language, and what guards the link that is mailed there."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from cardvault.core import typed
from cardvault.errors import InvalidRequest
from cardvault.http import fields
from cardvault.http.schemas import body

LANGUAGES = ("en", "fr", "ar")


class Protection(StrEnum):
    """What the claim page asks for besides the link."""

    OTP = "otp"
    PASSCODE = "passcode"
    NONE = "none"


NAME = fields.name_in_mail(80)
SHORTEST_PASSCODE, LONGEST_PASSCODE = 6, 64
PASSCODE = {
    "type": "string",
    "minLength": SHORTEST_PASSCODE,
    "maxLength": LONGEST_PASSCODE,
    "typed": "passcode",
}
RECIPIENT = body(
    {"email": fields.EMAIL},
    {
        "name": NAME,
        "shopName": NAME,
        "locale": {"type": "string", "enum": list(LANGUAGES), "typed": "language"},
        "protection": {"type": "string", "enum": [kind.value for kind in Protection]},
        "passcode": PASSCODE,
    },
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """The customer, as the shop names them. The passcode, if any, is known to shop and customer."""

    email: str
    name: str | None = None
    shop_name: str | None = None
    locale: str = LANGUAGES[0]
    protection: str = Protection.OTP
    passcode: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, delivery: dict[str, Any]) -> Self:
        """From the `delivery` of a request that fits RECIPIENT. Raises InvalidRequest."""
        protection = delivery.get("protection", Protection.OTP)
        if (protection == Protection.PASSCODE) != ("passcode" in delivery):
            raise InvalidRequest("delivery.passcode goes with protection passcode, and only there")
        return cls(
            email=delivery["email"],
            name=delivery.get("name"),
            shop_name=delivery.get("shopName"),
            locale=delivery.get("locale", LANGUAGES[0]),
            protection=protection,
            passcode=delivery.get("passcode"),
        )

    def attributes(self) -> dict[str, Any]:
        """What an order keeps of it: the passcode only as its hash."""
        salt = secrets.token_bytes(SALT_BYTES)
        return {
            "customer_email": self.email,
            "customer_name": self.name,
            "shop_name": self.shop_name,
            "locale": self.locale,
            "protection": self.protection,
            "passcode_hash": hash_passcode(self.passcode, salt) if self.passcode else None,
        }


SALT_BYTES = 16
# How many times over (p of scrypt): now, and by former releases. Each is 16 MB and some 50 ms.
_TIMES, _FORMER_TIMES = 5, 1
_SECOND = b"\x02"
_FORMER_BYTES = SALT_BYTES + 32


def hash_passcode(passcode: str, salt: bytes, *, former: bool = False) -> bytes:
    """A byte 0x02, the first SALT_BYTES of the salt, then 32 bytes of scrypt.

    N = 2^14, r = 8, p = 5: of the choices that OWASP takes for equal the one with the least memory.
    Former releases had p = 1 and no byte in front; what they hashed is told by its length.
    Sources: RFC 7914, section 2; OWASP Password Storage Cheat Sheet.
    """
    used, times = salt[:SALT_BYTES], _FORMER_TIMES if former else _TIMES
    derived = hashlib.scrypt(passcode.encode(), salt=used, n=2**14, r=8, p=times, dklen=32)
    return (b"" if former else _SECOND) + used + derived


def passcode_fits(passcode: str, stored: bytes) -> bool:
    """Whether it is the passcode that was hashed; former releases hashed it as it was typed."""
    former = len(stored) == _FORMER_BYTES
    salt = stored if former else stored[len(_SECOND) :]
    forms = dict.fromkeys((typed.passcode(passcode), passcode))
    return any(
        hmac.compare_digest(hash_passcode(form, salt, former=former), stored) for form in forms
    )
