"""Marks that show when the supplier sells one code to two orders, and do not show the code.

    key  = HKDF-SHA256(the fingerprint secret, no salt, info "cardvault code mark v1", 32 bytes)
    mark = HMAC-SHA256(key, card as UTF-8 JSON), the first 16 bytes

A mark names the order that the card came with first. A short code could be guessed from it by
anyone who has the secret too, so the table has no backup and a mark goes when its order is shredded
(I8): a list of the order's marks is written before them. A large order is marked by the smallest of
its marks only, which two orders of the same cards share: it does not wait for 10,000 writes.
"""

import hmac
from collections.abc import Sequence
from contextlib import suppress

from pynamodb.attributes import BinaryAttribute, UnicodeAttribute

from cardvault.aws import tables
from cardvault.aws.retries import LostRace
from cardvault.aws.tables import Record
from cardvault.core import sealed_box
from cardvault.core.cards import Card

MOST_MARKS = 1_000
MARK_BYTES = 16
_INFO = b"cardvault code mark v1"


class CodeMark(Record):
    """A mark, `CODE#<hex>`, with the order it is of; or an order's list, `ORDER#<id>`, of `marks`.

    The list is the marks one after another.
    """

    class Meta:
        setting = "code_marks_table"

    key = UnicodeAttribute(hash_key=True, attr_name="markKey")
    order_id = UnicodeAttribute(attr_name="orderId")
    marks = BinaryAttribute(legacy_encoding=False, null=True)


def marks_of(secret: str, cards: Sequence[Card]) -> list[bytes]:
    """The marks of an order's cards, sorted, MOST_MARKS at most. A card is its code and serial."""
    key = sealed_box.derive(secret.encode(), _INFO)
    marks = {hmac.digest(key, card.to_bytes(), "sha256")[:MARK_BYTES] for card in cards}
    return sorted(marks)[:MOST_MARKS]


def mark(order_id: str, marks: Sequence[bytes]) -> set[str]:
    """Mark the codes as this order's; the ids of other orders that have one of them already.

    A repeat changes nothing. What an earlier attempt has marked stays on the list.
    """
    listed = {*_listed(order_id), *marks}
    record = CodeMark(_list_key(order_id), order_id=order_id, marks=b"".join(sorted(listed)))
    tables.put(record, CodeMark.key.does_not_exist() | (CodeMark.order_id == order_id))
    return {owner for one in marks if (owner := _owner(one, order_id)) != order_id}


def forget(order_id: str) -> None:
    """Delete the order's marks, then their list. A repeat deletes what an earlier one has left."""
    for one in _listed(order_id):
        with suppress(LostRace):  # it is another order's
            tables.delete(CodeMark(_key(one)), CodeMark.order_id == order_id)
    tables.delete(CodeMark(_list_key(order_id)), None)


def _owner(one: bytes, order_id: str) -> str:
    """Whose mark it is: that order's, if it was nobody's before."""
    free_or_ours = CodeMark.key.does_not_exist() | (CodeMark.order_id == order_id)
    try:
        tables.put(CodeMark(_key(one), order_id=order_id), free_or_ours)
    except LostRace:
        other = tables.find(CodeMark, _key(one))
        if other is None:  # it went with its order, just now
            return _owner(one, order_id)
        return str(other.order_id)
    return order_id


def _listed(order_id: str) -> list[bytes]:
    record = tables.find(CodeMark, _list_key(order_id))
    joined = bytes(record.marks or b"") if record else b""
    return [joined[at : at + MARK_BYTES] for at in range(0, len(joined), MARK_BYTES)]


def _key(one: bytes) -> str:
    return f"CODE#{one.hex()}"


def _list_key(order_id: str) -> str:
    return f"ORDER#{order_id}"
