"""The downloaded file: text in the layout customers know, CSV, or JSON."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

from cardvault.orders.opening import NumberedCards

# With these a spreadsheet takes a cell for a formula.
# Source: https://owasp.org/www-community/attacks/CSV_Injection
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class Format:
    """How cards become a file: its extension is the format's name."""

    content_type: str
    write: Callable[[str, NumberedCards], str]


def _txt(_order_id: str, cards: NumberedCards) -> str:
    return "\n".join(
        f"\nGift Card {number}\nCode: {card.value}\n"
        + (f"Serial: {card.serial}\n" if card.serial else "")
        + "--------------------\n"
        for number, card in cards
    )


def _csv(_order_id: str, cards: NumberedCards) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)  # RFC 4180, CRLF
    writer.writerow(["cardNumber", "code", "serial"])
    for number, card in cards:
        writer.writerow([number, _harmless(card.value), _harmless(card.serial or "")])
    return text.getvalue()


def _harmless(cell: str) -> str:
    """The cell, behind an apostrophe if a spreadsheet would calculate it."""
    return f"'{cell}" if cell.startswith(_STARTS_A_FORMULA) else cell


def _json(order_id: str, cards: NumberedCards) -> str:
    listed = [
        {"cardNumber": number, "code": card.value, "serial": card.serial} for number, card in cards
    ]
    return json.dumps({"orderId": order_id, "cards": listed}, ensure_ascii=False, indent=2) + "\n"


FORMATS = {
    "txt": Format("text/plain; charset=utf-8", _txt),
    "csv": Format("text/csv; charset=utf-8", _csv),
    "json": Format("application/json", _json),
}
