"""Every stored format, worked out a second time without `cardvault`, as another program would.

The published vectors and the items that the product writes are held against this.
"""

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIRST_PREVIOUS_HASH = "0" * 64
VERSION = b"\x01"


def hkdf(key: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256 and no salt."""
    pseudo_random_key = hmac.digest(bytes(32), key, "sha256")
    output = block = b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudo_random_key, block + info + bytes([number]), "sha256")
        output += block
    return output[:length]


def lengthened(*parts: bytes, size: int = 4) -> bytes:
    """Each part with its length in front, big endian."""
    return b"".join(len(part).to_bytes(size, "big") + part for part in parts)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(fields: Mapping[str, Any]) -> str:
    """The text that a chained record's hash is over: all its fields but the hash itself."""
    content = {name: value for name, value in fields.items() if name != "hash"}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# --- sealed boxes ---------------------------------------------------------------------------------


def box(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, aad)


def unbox(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    assert sealed[:1] == VERSION
    return AESGCM(key).decrypt(sealed[1:13], sealed[13:], aad)


def order_keys(data_key: bytes) -> tuple[bytes, bytes]:
    """The AES key of an order's cards, and the commitment to it."""
    keys = hkdf(data_key, b"cardvault sealed card v1", 64)
    return keys[:32], keys[32:]


def access_hash(order: Mapping[str, Any]) -> str:
    """What binds a data key to who may see an order's cards, from the stored order."""
    passcode = order.get("passcodeHash")
    return sha256(
        canonical(
            {
                "userId": order["userId"],
                "protection": order.get("protection") or "otp",
                "passcodeHash": passcode and bytes(passcode).hex(),
            }
        )
    )


def card_aad(tenant_id: str, order_id: str, number: int, count: int) -> bytes:
    return lengthened(
        b"cardvault sealed card",
        VERSION,
        tenant_id.encode(),
        order_id.encode(),
        number.to_bytes(4, "big"),
        count.to_bytes(4, "big"),
    )


def card_text(value: str, serial: str | None) -> bytes:
    return json.dumps([value, serial], separators=(",", ":")).encode()


def gift_card_key(secret: str, use: str) -> bytes:
    return hkdf(secret.encode(), b"cardvault gift card " + use.encode(), 32)


def gift_card_aad(place: str, version: bytes = VERSION) -> bytes:
    return version + b"cardvault gift card\0" + place.encode()


def sealed_for_place(secret: str, place: str, nonce: bytes, content: str) -> bytes:
    """Version 2 of what gift cards seal: under a key of the place."""
    cipher = AESGCM(gift_card_key(secret, f"seal {place}"))
    return b"\x02" + nonce + cipher.encrypt(nonce, content.encode(), gift_card_aad(place, b"\x02"))


def opened_at_place(secret: str, place: str, sealed: bytes) -> str:
    """What gift cards sealed, under a key of the place or, in former releases, one for all."""
    version = sealed[:1]
    cipher = AESGCM(gift_card_key(secret, {VERSION: "seal", b"\x02": f"seal {place}"}[version]))
    return cipher.decrypt(sealed[1:13], sealed[13:], gift_card_aad(place, version)).decode()


# --- keys and fingerprints of gift cards ----------------------------------------------------------


def number_index(secret: str, number: str) -> str:
    return hmac.digest(gift_card_key(secret, "number"), number.encode(), "sha256").hex()


def content_mac(secret: str, content: str) -> bytes:
    return hmac.digest(gift_card_key(secret, "fingerprint"), content.encode(), "sha256")


def code_mac(secret: str, card_id: str, code: str) -> bytes:
    message = card_id.encode() + b"\0" + code.encode()
    return hmac.digest(gift_card_key(secret, "security code"), message, "sha256")


def key_id(secret: str) -> bytes:
    """What a stored MAC names the key of its code by."""
    return gift_card_key(secret, "key id")[:4]


def kept_code(secrets: Sequence[str], card_id: str, code: str) -> bytes:
    """What is kept of a code that was taken from each of these secrets to the next."""
    mac = code_mac(secrets[0], card_id, code)
    for secret in secrets[1:]:
        mac = hmac.digest(gift_card_key(secret, "security code again"), mac, "sha256")
    return b"".join(map(key_id, secrets)) + mac


def content_mac_again(secret: str, mac: bytes) -> bytes:
    """A fingerprint of a request, taken to this secret from the one before it."""
    return hmac.digest(gift_card_key(secret, "fingerprint again"), mac, "sha256")


def shadow_key(guard_key: str) -> str:
    return "SHADOW#" + sha256(guard_key)


def network(ip_address: str) -> str:
    """An IPv4 address, the /64 of an IPv6 one, or `unknown`."""
    try:
        address = ipaddress.ip_address(ip_address)
    except ValueError:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network(f"{address}/64", strict=False))
    return str(address)


def caller_key(secret: str, ip_address: str, minute: int) -> str:
    return f"CALLER#{content_mac(secret, f'caller {network(ip_address)}').hex()[:32]}#{minute}"


def gift_card_idempotency_key(tenant_id: str, action: str, key: str) -> str:
    return "IDEM#" + sha256(json.dumps([tenant_id, action, key]))


def request_text(body: Mapping[str, Any]) -> str:
    """What a repeat must say again: the body without the security code, amounts as texts."""
    told = {name: value for name, value in body.items() if name != "securityCode"}
    return json.dumps(told, sort_keys=True, default=str)


# --- keys and fingerprints of orders --------------------------------------------------------------


def order_idempotency_key(tenant_id: str, user_id: str, key: str) -> str:
    return "IDEM#" + sha256(json.dumps([tenant_id, user_id, key]))


def passcode_hash(passcode: str, salt: bytes, version: int = 1) -> bytes:
    """Salt (16 bytes) || scrypt, N = 2^14, r = 8, p = 1, 32 bytes (RFC 7914).

    Version 2 has p = 5, and the byte 0x02 in front.
    """
    front, times = {1: (b"", 1), 2: (b"\x02", 5)}[version]
    derived = hashlib.scrypt(passcode.encode(), salt=salt[:16], n=16384, r=8, p=times, dklen=32)
    return front + salt[:16] + derived


def passcode_kept(passcode: str, kept: bytes) -> bytes:
    """The passcode's hash in the version, and with the salt, of the one that is kept."""
    return (
        passcode_hash(passcode, kept) if len(kept) == 48 else passcode_hash(passcode, kept[1:], 2)
    )


def order_text(order: Mapping[str, Any], idempotency_key: str, version: int = 1) -> str:
    """What a repeat of an order must say again, from the body of the request.

    A passcode goes in as its slow hash, salted by the idempotency key's SHA-256.
    """
    recipient = None
    if delivery := order.get("delivery"):
        recipient = {
            "email": delivery["email"],
            "name": delivery.get("name"),
            "shop_name": delivery.get("shopName"),
            "locale": delivery.get("locale", "en"),
            "protection": delivery.get("protection", "otp"),
            "passcode": delivery.get("passcode"),
        }
        if recipient["passcode"]:
            salt = hashlib.sha256(idempotency_key.encode()).digest()
            recipient["passcode"] = passcode_hash(recipient["passcode"], salt, version).hex()
    content = {
        "product_id": order.get("productId"),
        "type_id": order.get("typeId"),
        "quantity": order.get("quantity"),
        "supplier_order_id": order.get("supplierOrderId"),
        "recipient": recipient,
    }
    return json.dumps(content, sort_keys=True)


def request_hash(text: str, order_salt: str | None) -> str:
    """What an idempotency record keeps of an order's text; of former releases without a salt."""
    if order_salt is None:
        return sha256(text)
    return hmac.digest(order_salt.encode(), sha256(text).encode(), "sha256").hex()


def address_key(tenant_id: str, address: str) -> str:
    return "ADDRESS#" + sha256(json.dumps([tenant_id, address.lower()]))


def cards_fingerprint(secret: str, order_id: str, cards: list[tuple[str, str | None]]) -> bytes:
    """HMAC over the order's id and its cards in the order of their texts."""
    texts = sorted(card_text(*card) for card in cards)
    return hmac.digest(secret.encode(), order_id.encode() + lengthened(*texts), "sha256")


# --- links ----------------------------------------------------------------------------------------


def claim_session(token: str, idempotency_key: str) -> str:
    message = b"session " + idempotency_key.encode()
    return hmac.digest(token.encode(), message, "sha256").hex()


def download_session(token: str, repeat_key: str) -> str:
    return hmac.digest(token.encode(), repeat_key.encode(), "sha256").hex()


def one_time_code_hash(token: str, code: str) -> bytes:
    return hmac.digest(token.encode(), b"code " + code.encode(), "sha256")
