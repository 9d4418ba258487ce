"""Sealing and opening 10,000 cards our way, beside others."""

import json
import os
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.table import show
from cardvault.core.cards import Card
from cardvault.sealing.pages import open_page, seal_pages
from cardvault.sealing.sealed_card import CardKey, Places

CARDS = 10_000
ROUNDS = 5


def run(count: int = CARDS) -> None:
    """Time each way of sealing so many cards, best of a few rounds, as a ratio to ours."""
    cards = [Card(f"MADE-UP-{n:06d}-CODE", f"{n:09d}") for n in range(count)]
    data_key = os.urandom(32)
    key = CardKey.derive(data_key)
    sealed = seal_pages(key, "a" * 24, "b" * 24, cards)
    document = _best(lambda: _document(data_key, cards))
    raw = _best(lambda: _raw(data_key, cards))
    ours = _best(lambda: seal_pages(CardKey.derive(data_key), "a" * 24, "b" * 24, cards))
    each = _best(lambda: [_own_cipher(data_key, card) for card in cards])
    opening = _best(
        lambda: [
            open_page(key, "a" * 24, "b" * 24, sealed.layout, page, packed)
            for page, packed in enumerate(sealed.pages)
        ]
    )
    own_keys = _best(lambda: [_own_key(card) for card in cards])
    rows = [
        ("one data key an order (ours)", f"{ours:.0f}", "1.0", 1),
        ("a document, fields in hex", f"{document:.0f}", f"{document / ours:.1f}", 0),
        ("its ciphers alone", f"{each:.0f}", f"{each / ours:.1f}", 0),
        ("AES-GCM alone, one key", f"{raw:.0f}", f"{raw / ours:.1f}", 0),
        ("a data key for each card", f"{own_keys:.0f}", f"{own_keys / ours:.1f}", count),
        ("opening all (ours)", f"{opening:.0f}", f"{opening / ours:.1f}", sealed.layout.pages),
    ]
    show(f"Sealing {count} cards", ("way", "CPU ms", "ratio", "KMS calls"), rows)


def _document(key: bytes, cards: list[Card]) -> str:
    """A cipher for each field and JSON around them, as many samples on the web do it."""
    boxes = ([(os.urandom(12), text) for text in (card.value, card.serial or "")] for card in cards)
    return json.dumps(
        [
            [
                {"iv": nonce.hex(), "data": AESGCM(key).encrypt(nonce, text.encode(), None).hex()}
                for nonce, text in fields
            ]
            for fields in boxes
        ]
    )


def _raw(key: bytes, cards: list[Card]) -> list[bytes]:
    cipher = AESGCM(key)
    return [cipher.encrypt(os.urandom(12), card.value.encode(), None) for card in cards]


def _own_key(card: Card) -> bytes:
    places = Places.of("a" * 24, "b" * 24, 1)
    return CardKey.derive(os.urandom(32)).seal([card], places, [1])[0]


def _own_cipher(key: bytes, card: Card) -> list[bytes]:
    fields = (card.value, card.serial or "")
    return [AESGCM(key).encrypt(os.urandom(12), text.encode(), None) for text in fields]


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times) * 1000
