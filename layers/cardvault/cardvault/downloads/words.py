"""What a downloaded file says in the customer's language: its name, first line and labels."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from cardvault.orders.records import OrderRecord

# What some system takes in no file's name.
_NOT_IN_A_NAME = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    cards: str
    card: str
    code: str
    serial: str
    order: str
    right_to_left: bool = False


_WORDS = {
    "en": Words("Gift cards", "Gift Card", "Code", "Serial", "Order"),
    "fr": Words("Cartes cadeau", "Carte cadeau", "Code", "N° de série", "Commande"),
    "ar": Words(
        "بطاقات هدايا", "بطاقة هدايا", "الرمز", "الرقم التسلسلي", "الطلب", right_to_left=True
    ),
}


def words_of(order: OrderRecord) -> Words:
    """In the order's language; English if it has none."""
    return _WORDS[order.locale or "en"]


def head_of(order: OrderRecord) -> list[str]:
    """Shop, order and day; then what the shop said of the cards, line by line."""
    whose = (order.shop_name, f"{words_of(order).order} {order.order_id}", _day(order))
    said = (order.title, order.instructions, order.redeem_url)
    lines = [line for text in said if text for line in text.splitlines()]
    return [" · ".join(filter(None, whose)), *lines]


def disposition(order: OrderRecord, extension: str) -> str:
    """The Content-Disposition of the order's file, with a name in ASCII beside the one for people.

    Source: RFC 6266, section 4.3, and RFC 8187.
    """
    parts = (words_of(order).cards, order.shop_name, _day(order), order.order_id[-6:])
    name = quote(_NOT_IN_A_NAME.sub(" ", " ".join(filter(None, parts))), safe="")
    plain = f"cards-{order.order_id}.{extension}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}.{extension}"


def _day(order: OrderRecord) -> str:
    return str(order.created_at)[:10]
