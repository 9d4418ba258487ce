"""Pages: many sealed cards in one DynamoDB item, so that a big order is tens of writes.

    page = sealed card || sealed card || …, each with its length in front as 2 bytes, big endian

Every page but the last holds the same number of cards: a card's number says where it lies. Cards
of usual length lie CARDS_PER_PAGE to a page; where they are long, fewer do, so that every page
stays under DynamoDB's 400 KB per item.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cardvault.core.cards import Card
from cardvault.errors import CannotOpen, CardTooLong, OrderTooLarge
from cardvault.sealing.sealed_card import CardKey, Places

CARDS_PER_PAGE = 250
LARGEST_PAGE = 390_000
# What its length in front can say.
LONGEST_SEALED_CARD = 65_535
# In bytes. A partition that takes 1 MB a second must take it while a function runs.
LARGEST_SEALED_ORDER = 20_000_000
_LENGTH_BYTES = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """How an order's cards lie on its pages. Raises CannotOpen when no order's cards do so."""

    count: int
    cards_per_page: int = CARDS_PER_PAGE

    def __post_init__(self) -> None:
        if self.count < 0 or not 1 <= self.cards_per_page <= CARDS_PER_PAGE:
            raise CannotOpen

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.count // self.cards_per_page)

    def numbers_on(self, page: int) -> range:
        """The card numbers, from 1, on a page (from 0)."""
        first = page * self.cards_per_page
        return range(first + 1, min(first + self.cards_per_page, self.count) + 1)


@dataclass(frozen=True, slots=True)
class SealedPages:
    """An order's cards, sealed, page by page."""

    layout: Layout
    pages: Sequence[bytes] = field(repr=False)


def seal_pages(key: CardKey, tenant_id: str, order_id: str, cards: Sequence[Card]) -> SealedPages:
    """The order's cards, sealed and paged.

    Raises CardTooLong, and OrderTooLarge when all together are too long.
    """
    count = len(cards)
    places = Places.of(tenant_id, order_id, count)
    framed = list(map(_framed, key.seal(cards, places, range(1, count + 1))))
    if sum(map(len, framed)) > LARGEST_SEALED_ORDER:
        raise OrderTooLarge
    layout = Layout(count)
    pages = _paged(framed, layout)
    while any(len(page) > LARGEST_PAGE for page in pages):
        layout = Layout(count, layout.cards_per_page // 2)
        pages = _paged(framed, layout)
    return SealedPages(layout, pages)


def open_page(
    key: CardKey, tenant_id: str, order_id: str, layout: Layout, page: int, packed: bytes
) -> list[tuple[int, Card]]:
    """The (number, card) pairs of one page.

    Raises CannotOpen when any card on it was altered or moved, or is missing.
    """
    numbers, sealed_cards = layout.numbers_on(page), list(_unframed(packed))
    if len(sealed_cards) != len(numbers):
        raise CannotOpen
    cards = key.open(sealed_cards, Places.of(tenant_id, order_id, layout.count), numbers)
    return list(zip(numbers, cards, strict=True))


def _paged(framed: Sequence[bytes], layout: Layout) -> list[bytes]:
    size = layout.cards_per_page
    return [b"".join(framed[first : first + size]) for first in range(0, layout.count, size)]


def _framed(sealed: bytes) -> bytes:
    if len(sealed) > LONGEST_SEALED_CARD:
        raise CardTooLong
    return len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed


def _unframed(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(packed[at:start], "big")
        if at > len(packed):
            raise CannotOpen
        yield packed[start:at]
