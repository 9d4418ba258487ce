"""The downloaded file: text in the layout customers know, a spreadsheet, CSV, or JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from cardvault.downloads import spreadsheet
from cardvault.downloads.words import head_of, words_of
from cardvault.http import csv
from cardvault.orders.opening import NumberedCards
from cardvault.orders.records import OrderRecord


@dataclass(frozen=True, slots=True)
class Format:
    """How cards become a file: its extension is the format's name."""

    content_type: str
    write: Callable[[OrderRecord, NumberedCards], bytes]


def _txt(order: OrderRecord, cards: NumberedCards) -> bytes:
    words = words_of(order)
    head = "".join(f"{line}\n" for line in head_of(order))
    text = head + "\n".join(
        f"\n{words.card} {number}\n{_said(words.code, card.value)}"
        + (_said(words.serial, card.serial) if card.serial else "")
        + "--------------------\n"
        for number, card in cards
    )
    return text.encode()


def _said(name: str, text: str) -> str:
    """A line of the file; further lines of the text are set in, so that none looks like ours."""
    lines = text.replace("\n", f"\n{' ' * len(f'{name}: ')}")
    return f"{name}: {lines}\n"


def _xlsx(order: OrderRecord, cards: NumberedCards) -> bytes:
    return spreadsheet.write(head_of(order), words_of(order), cards)


def _csv(_order: OrderRecord, cards: NumberedCards) -> bytes:
    rows = [(number, card.value, card.serial) for number, card in cards]
    return csv.write(("cardNumber", "code", "serial"), rows).encode()


def _json(order: OrderRecord, cards: NumberedCards) -> bytes:
    display = {"title": order.title, "instructions": order.instructions}
    display |= {"redeemUrl": order.redeem_url}
    known = {name: text for name, text in display.items() if text is not None}
    views = [card.view(number) for number, card in cards]
    listed = {"orderId": order.order_id, **known, "cards": views}
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
