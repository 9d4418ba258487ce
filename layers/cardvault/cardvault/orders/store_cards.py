"""From the supplier's answer to sealed cards, in one step and one transaction.

The cards never leave this function's memory unsealed. Pages, wrapped key, status and audit event
are written together or not at all, so a crash anywhere leaves either nothing or everything (I4).
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cardvault.audit.trail import Event
from cardvault.cards import Card
from cardvault.errors import (
    CardCountMismatch,
    DuplicateCards,
    StoredCardsDiffer,
    SupplierOrderUnknown,
    SupplierUnavailable,
)
from cardvault.orders import store
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.store import CALM, Change
from cardvault.runtime.cached_secret import CachedSecret
from cardvault.runtime.clock import Clock, to_text, utc_now
from cardvault.sealing.data_keys import Keyring
from cardvault.sealing.store import seal_into, stored_fingerprint
from cardvault.supplier.answers import SupplierOrder, SupplierStatus
from cardvault.supplier.client import SupplierClient

if TYPE_CHECKING:
    from pynamodb.transactions import TransactWrite

_STATUS = {
    SupplierStatus.FULFILLED: Status.FULFILLED,
    SupplierStatus.PARTIALLY_FILLED: Status.PARTIALLY_FILLED,
}


@dataclass(frozen=True, slots=True)
class StoreCards:
    """Fetch, seal, write. `fingerprint_secret` is `{"key": …}`, the fingerprint's HMAC key."""

    supplier: SupplierClient
    keyring: Keyring
    fingerprint_secret: CachedSecret
    clock: Clock = utc_now

    def __call__(self, order_id: str) -> OrderRecord:
        """Store the order's cards, once.

        A repeat finds the same cards stored and changes nothing. Raises StoredCardsDiffer when
        the supplier now tells of others, CardCountMismatch and DuplicateCards when its answer
        does not add up, OrderTooLarge, and the supplier's errors.
        """
        order = store.find(order_id)
        if order.supplier_order_id is None:
            raise SupplierOrderUnknown
        answer = self.supplier.check_order(order.supplier_order_id, cards=True)
        if answer.status not in _STATUS:
            raise SupplierUnavailable("the supplier took its final status back")
        check_cards(order, answer)
        fingerprint = self._fingerprint(order_id, answer.cards)
        return store.change(
            order_id,
            lambda fresh: self._decide(fresh, answer, fingerprint),
            clock=self.clock,
            known=order,
        )

    def _decide(
        self, order: OrderRecord, answer: SupplierOrder, fingerprint: bytes
    ) -> Change | None:
        status = _STATUS[answer.status]
        if order.shredded_at is not None:
            return None
        if order.stored_at is not None:
            if not hmac.compare_digest(stored_fingerprint(order.order_id), fingerprint):
                raise StoredCardsDiffer
            if order.status == status:
                return None
            return Change(Event("ORDER_RESUMED"), {"status": status, **CALM})
        now = to_text(self.clock())
        count = len(answer.cards)
        quantity = int(order.quantity or answer.quantity or count)

        def seal(transaction: "TransactWrite") -> None:
            seal_into(
                transaction,
                self.keyring,
                answer.cards,
                tenant_id=order.tenant_id,
                order_id=order.order_id,
                timestamp=now,
                fingerprint=fingerprint,
            )

        stored = {
            "status": status,
            "stored_at": now,
            "quantity": quantity,
            "fulfilled_quantity": count,
            "refunded_quantity": quantity - count,
        }
        return Change(Event("CARDS_STORED", card_count=count), {**stored, **CALM}, also=seal)

    def _fingerprint(self, order_id: str, cards: Sequence[Card]) -> bytes:
        # Keyed, or the short codes could be guessed from it; sorted, since the supplier does not
        # promise an order of cards.
        key = self.fingerprint_secret.value()["key"].encode()
        digest = hmac.new(key, order_id.encode(), "sha256")
        for payload in sorted(card.to_bytes() for card in cards):
            digest.update(len(payload).to_bytes(4, "big") + payload)
        return digest.digest()


def check_cards(order: OrderRecord, answer: SupplierOrder) -> None:
    """Raises CardCountMismatch or DuplicateCards when the answer does not add up.

    It must tell of what we ordered, hold as many cards as it says, and none of them twice.
    """
    ordered = (order.product_id, order.type_id, order.quantity)
    told = (answer.product_id, answer.type_id, answer.quantity)
    if any(a != b for a, b in zip(ordered, told, strict=True) if a is not None and b is not None):
        raise CardCountMismatch("the supplier tells of another order than ours")
    count, quantity = len(answer.cards), order.quantity or answer.quantity
    promised = count if answer.fulfilled_quantity is None else answer.fulfilled_quantity
    if count != promised or count == 0 or (quantity is not None and count > quantity):
        raise CardCountMismatch
    if answer.status is SupplierStatus.FULFILLED and count != (quantity or count):
        raise CardCountMismatch
    if len({card.value for card in answer.cards}) != count:
        raise DuplicateCards
