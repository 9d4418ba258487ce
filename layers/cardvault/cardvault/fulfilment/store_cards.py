"""From the supplier's answer to sealed cards, in one step.

The cards never leave this function's memory unsealed. Sealed pages come first, under a data key
that nobody else has; wrapped key, status and audit event follow in one transaction. The wrapped
key is the commit: a crash before it leaves pages that nothing opens, a crash after it leaves
everything (I4).
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cardvault.audit.events import EventName
from cardvault.audit.trail import Event
from cardvault.aws.cached_secret import CachedSecret
from cardvault.aws.logs import logger
from cardvault.aws.retries import retry_lost_races
from cardvault.core.cards import Card
from cardvault.core.clock import Clock, utc_now
from cardvault.errors import (
    CardCountMismatch,
    CardsNotReady,
    DuplicateCards,
    StoredCardsDiffer,
    StoringOvertaken,
    SupplierOrderUnknown,
    SupplierUnavailable,
)
from cardvault.orders import attempts, store
from cardvault.orders.records import OrderRecord, Status
from cardvault.orders.store import CLEAR_ATTENTION, Edit
from cardvault.sealing import code_marks
from cardvault.sealing.data_keys import KeyBinding, Keyring
from cardvault.sealing.store import NewlySealed, save_key_in, seal, stored_fingerprint, write_pages
from cardvault.supplier.answers import SupplierOrder, SupplierStatus
from cardvault.supplier.client import SupplierClient

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
        the supplier now tells of others, CardsNotReady while it does not tell all, and
        CardCountMismatch and DuplicateCards when its answer does not add up or holds a card that
        another order has, CardTooLong, OrderTooLarge, StoringOvertaken, and the supplier's errors.
        """
        order = store.find(order_id)
        if order.supplier_order_id is None:
            raise SupplierOrderUnknown
        answer = self.supplier.check_order(order.supplier_order_id, cards=True)
        if answer.status not in _STATUS:
            raise SupplierUnavailable("the supplier took its final status back")
        check_cards(order, answer)
        fingerprint = self._fingerprint(order_id, answer.cards)
        order = self._begin(order_id, answer, fingerprint)
        if order.stored_at is None and order.shredded_at is None:
            order = self._store(order, answer, fingerprint)
        attempts.remove_leftovers(order)
        return order

    @retry_lost_races
    def _begin(self, order_id: str, answer: SupplierOrder, fingerprint: bytes) -> OrderRecord:
        edit = Edit(store.find(order_id), self.clock())
        order, status = edit.order, _STATUS[answer.status]
        if order.shredded_at is not None:
            return order
        if order.stored_at is None:
            edit.commit(Event(EventName.CARDS_STORING), **attempts.begun(order, edit.timestamp))
            return order
        if not hmac.compare_digest(stored_fingerprint(order_id), fingerprint):
            raise StoredCardsDiffer
        if order.status != status:
            edit.commit(Event(EventName.ORDER_RESUMED), status=status, **CLEAR_ATTENTION)
        return order

    def _store(self, order: OrderRecord, answer: SupplierOrder, fingerprint: bytes) -> OrderRecord:
        order_id, attempt = order.order_id, int(order.storing_attempt)
        if self.supplier.sells_real_cards():
            self._expect_unsold(order_id, answer.cards)
        binding = KeyBinding(order.tenant_id, order_id, order.access_hash)
        new = seal(self.keyring, answer.cards, binding)
        try:
            write_pages(order_id, new.sealed, attempt)
            return self._end(binding, attempt, answer, new, fingerprint)
        except StoringOvertaken:
            after = store.find(order_id)
            attempts.remove_leftovers(after)
            if after.shredded_at is not None:
                code_marks.forget(order_id)
            raise

    def _expect_unsold(self, order_id: str, cards: Sequence[Card]) -> None:
        secret = self.fingerprint_secret.value()["key"]
        others = code_marks.mark(order_id, code_marks.marks_of(secret, cards))
        if others:
            # Ids are no secret: an operator has to know between which orders to settle it.
            logger.error("codes were sold to another order before", otherOrderIds=sorted(others))
            raise DuplicateCards("the supplier sold a card to another order before")

    @retry_lost_races
    def _end(
        self,
        binding: KeyBinding,
        attempt: int,
        answer: SupplierOrder,
        new: NewlySealed,
        fingerprint: bytes,
    ) -> OrderRecord:
        edit = Edit(store.find(binding.order_id), self.clock())
        order, count = edit.order, len(answer.cards)
        over = attempts.ended(order, attempt)
        if order.stored_at is not None:
            return order
        quantity = int(order.quantity or answer.quantity or count)
        save_key_in(
            edit.work,
            new.data_key,
            binding,
            timestamp=edit.timestamp,
            fingerprint=fingerprint,
        )
        if order.counted_on is not None and count < quantity:
            order.buyer.give_back(edit.work, quantity - count, order.counted_on)
        edit.commit(
            Event(EventName.CARDS_STORED, card_count=count, reason=answer.told_unknown),
            status=_STATUS[answer.status],
            stored_at=edit.timestamp,
            cards_per_page=new.sealed.layout.cards_per_page,
            quantity=quantity,
            fulfilled_quantity=count,
            refunded_quantity=quantity - count,
            **over,
            **CLEAR_ATTENTION,
        )
        return order

    def _fingerprint(self, order_id: str, cards: Sequence[Card]) -> bytes:
        # Keyed, or the short codes could be guessed from it; sorted, since the supplier does not
        # promise an order of cards.
        key = self.fingerprint_secret.value()["key"].encode()
        digest = hmac.new(key, order_id.encode(), "sha256")
        for payload in sorted(card.to_bytes() for card in cards):
            digest.update(len(payload).to_bytes(4, "big") + payload)
        return digest.digest()


def check_cards(order: OrderRecord, answer: SupplierOrder) -> None:
    """Raises CardsNotReady, CardCountMismatch or DuplicateCards when the answer does not add up.

    It must name what we ordered, hold as many cards as it says, and none of them twice.
    """
    ordered = (order.product_id, order.type_id, order.quantity)
    given = (answer.product_id, answer.type_id, answer.quantity)
    if any(a != b for a, b in zip(ordered, given, strict=True) if a is not None and b is not None):
        raise CardCountMismatch("the supplier answers another order than ours")
    count, quantity = len(answer.cards), order.quantity or answer.quantity
    promised = count if answer.fulfilled_quantity is None else answer.fulfilled_quantity
    if count > min(promised, quantity or promised):
        raise CardCountMismatch
    # Suppliers say that an order is filled some time before its codes are there.
    whole = quantity if answer.status is SupplierStatus.FULFILLED else None
    if count < (whole or promised) or count == 0:
        raise CardsNotReady
    if len(set(answer.cards)) != count:  # one PIN with two serials is two cards
        raise DuplicateCards
