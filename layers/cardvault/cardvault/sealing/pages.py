"""Pages: many sealed cards in one DynamoDB item, so that a big order is tens of writes.

    page = sealed card || sealed card || …, each with its length in front as 2 bytes, big endian

Every page but the last holds CARDS_PER_PAGE cards: a card's number says where it lies. With no
sealed card over LONGEST_SEALED_CARD, a page stays under DynamoDB's 400 KB per item.
"""

from collections.abc import Iterator, Sequence

from cardvault.cards import Card
from cardvault.errors import CannotOpen, OrderTooLarge
from cardvault.sealing.sealed_card import CardKey, Place

CARDS_PER_PAGE = 250
LONGEST_SEALED_CARD = 1_500
_LENGTH_BYTES = 2


def page_count(cards: int) -> int:
    """How many pages that many cards fill."""
    return -(-cards // CARDS_PER_PAGE)


def numbers_on(page: int, count: int) -> range:
    """The card numbers, from 1, on a page (from 0) of an order of `count` cards."""
    first = page * CARDS_PER_PAGE
    return range(first + 1, min(first + CARDS_PER_PAGE, count) + 1)


def seal_pages(
    key: CardKey, tenant_id: str, order_id: str, cards: Sequence[Card]
) -> Iterator[bytes]:
    """The order's cards, sealed and paged. Raises OrderTooLarge on a card that is too long."""
    count = len(cards)
    for page in range(page_count(count)):
        sealed_cards = (
            key.seal(cards[number - 1], Place(tenant_id, order_id, number, count))
            for number in numbers_on(page, count)
        )
        yield b"".join(_framed(sealed) for sealed in sealed_cards)


def open_page(
    key: CardKey, tenant_id: str, order_id: str, count: int, page: int, packed: bytes
) -> list[tuple[int, Card]]:
    """The (number, card) pairs of one page.

    Raises CannotOpen when any card on it was altered or moved, or is missing.
    """
    numbers, sealed_cards = numbers_on(page, count), list(_unframed(packed))
    if len(sealed_cards) != len(numbers):
        raise CannotOpen
    return [
        (number, key.open(sealed, Place(tenant_id, order_id, number, count)))
        for number, sealed in zip(numbers, sealed_cards, strict=True)
    ]


def _framed(sealed: bytes) -> bytes:
    if len(sealed) > LONGEST_SEALED_CARD:
        raise OrderTooLarge
    return len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed


def _unframed(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(packed[at:start], "big")
        if start > len(packed) or at > len(packed):
            raise CannotOpen
        yield packed[start:at]
