"""What the claim page shows before and after a claim: nothing that a stranger could use."""

from typing import Any

from cardvault.links import AccessLink
from cardvault.orders.records import OrderRecord


def claim_view(
    link: AccessLink, order: OrderRecord, shop_name: str, *, seconds_left: int
) -> dict[str, Any]:
    """The page's first answer. The address shows its first letters, so that its owner knows it.

    `seconds_left` is how long this browser may still see the cards: 0 if it may not.
    """
    return {
        "claimed": seconds_left > 0,
        "secondsLeft": seconds_left,
        "shop": order.shop_name or shop_name,
        "cardCount": int(order.fulfilled_quantity or 0),
        "missingCount": int(order.refunded_quantity or 0),
        "locale": order.locale,
        "protection": order.guarded_by,
        "email": masked(order.customer_email or ""),
        "expiresAt": link.expires_at,
        "codeSent": link.code_sent_at is not None,
        "title": order.title,
        "instructions": order.instructions,
        "redeemUrl": order.redeem_url,
    }


def masked(address: str) -> str:
    """`ada@example.com` as `a•••@e•••.com`."""
    user, _, domain = address.partition("@")
    name, dot, rest = domain.rpartition(".")
    return f"{user[:1]}•••@{name[:1]}•••{dot}{rest}"
