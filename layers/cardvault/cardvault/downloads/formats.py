"""The downloaded file: text in the layout customers know, a spreadsheet, CSV, or JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from cardvault.downloads import spreadsheet
from cardvault.http import csv
from cardvault.orders.opening import NumberedCards


@dataclass(frozen=True, slots=True)
class Format:
    """How cards become a file: its extension is the format's name."""

    content_type: str
    write: Callable[[str, NumberedCards], bytes]


def _txt(_order_id: str, cards: NumberedCards) -> bytes:
    text = "\n".join(
        f"\nGift Card {number}\n{_said('Code', card.value)}"
        + (_said("Serial", card.serial) if card.serial else "")
        + "--------------------\n"
        for number, card in cards
    )
    return text.encode()


def _said(name: str, text: str) -> str:
    """A line of the file; further lines of the text are set in, so that none looks like ours."""
    lines = text.replace("\n", f"\n{' ' * len(f'{name}: ')}")
    return f"{name}: {lines}\n"


def _xlsx(_order_id: str, cards: NumberedCards) -> bytes:
    return spreadsheet.write(cards)


def _csv(_order_id: str, cards: NumberedCards) -> bytes:
    rows = [(number, card.value, card.serial) for number, card in cards]
    return csv.write(("cardNumber", "code", "serial"), rows).encode()


def _json(order_id: str, cards: NumberedCards) -> bytes:
    listed = {"orderId": order_id, "cards": [card.view(number) for number, card in cards]}
    return (json.dumps(listed, ensure_ascii=False, indent=2) + "\n").encode()


FORMATS = {
    "txt": Format("text/plain; charset=utf-8", _txt),
    "xlsx": Format(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _xlsx,
    ),
    "csv": Format("text/csv; charset=utf-8", _csv),
    "json": Format("application/json", _json),
}
