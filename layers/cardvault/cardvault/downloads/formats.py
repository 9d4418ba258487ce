"""The downloaded file: text in the layout customers know, CSV, or JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from cardvault.http import csv
from cardvault.orders.opening import NumberedCards


@dataclass(frozen=True, slots=True)
class Format:
    """How cards become a file: its extension is the format's name."""

    content_type: str
    write: Callable[[str, NumberedCards], str]


def _txt(_order_id: str, cards: NumberedCards) -> str:
    return "\n".join(
        f"\nGift Card {number}\n{_said('Code', card.value)}"
        + (_said("Serial", card.serial) if card.serial else "")
        + "--------------------\n"
        for number, card in cards
    )


def _said(name: str, text: str) -> str:
    """A line of the file; further lines of the text are set in, so that none looks like ours."""
    lines = text.replace("\n", f"\n{' ' * len(f'{name}: ')}")
    return f"{name}: {lines}\n"


def _csv(_order_id: str, cards: NumberedCards) -> str:
    rows = [(number, card.value, card.serial) for number, card in cards]
    return csv.write(("cardNumber", "code", "serial"), rows)


def _json(order_id: str, cards: NumberedCards) -> str:
    listed = {"orderId": order_id, "cards": [card.view(number) for number, card in cards]}
    return json.dumps(listed, ensure_ascii=False, indent=2) + "\n"


FORMATS = {
    "txt": Format("text/plain; charset=utf-8", _txt),
    "csv": Format("text/csv; charset=utf-8", _csv),
    "json": Format("application/json", _json),
}
