"""The downloaded file: text in the layout customers know, a spreadsheet, CSV, or JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from cardvault.downloads import spreadsheet
from cardvault.http import csv
from cardvault.orders.opening import NumberedCards
from cardvault.orders.records import OrderRecord


@dataclass(frozen=True, slots=True)
class Format:
    """How cards become a file: its extension is the format's name."""

    content_type: str
    write: Callable[[OrderRecord, NumberedCards], bytes]


def _txt(order: OrderRecord, cards: NumberedCards) -> bytes:
    head = "".join(f"{line}\n" for line in said_of(order))
    text = head + "\n".join(
        f"\nGift Card {number}\n{_said('Code', card.value)}"
        + (_said("Serial", card.serial) if card.serial else "")
        + "--------------------\n"
        for number, card in cards
    )
    return text.encode()


def said_of(order: OrderRecord) -> list[str]:
    """What the shop said of the cards, line by line; nothing if it said nothing."""
    said = (order.title, order.instructions, order.redeem_url)
    return [line for text in said if text for line in text.splitlines()]


def _said(name: str, text: str) -> str:
    """A line of the file; further lines of the text are set in, so that none looks like ours."""
    lines = text.replace("\n", f"\n{' ' * len(f'{name}: ')}")
    return f"{name}: {lines}\n"


def _xlsx(order: OrderRecord, cards: NumberedCards) -> bytes:
    return spreadsheet.write(said_of(order), cards)


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
