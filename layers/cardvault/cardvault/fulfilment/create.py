"""Taking an order: once per Idempotency-Key, for ever."""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from cardvault.audit import trail
from cardvault.audit.events import EventName
from cardvault.audit.trail import Event, Subject
from cardvault.aws.retries import LostRace, retry_lost_races
from cardvault.aws.unit_of_work import UnitOfWork
from cardvault.core.clock import Clock, to_text, utc_now
from cardvault.core.ids import is_id, new_id
from cardvault.errors import (
    DailyCeilingReached,
    IdempotencyKeyReused,
    InvalidRequest,
    MailNotSetUp,
    OrderAboveCeiling,
)
from cardvault.fulfilment.uniqueness import (
    claim_supplier_order,
    find_record,
    idempotency_record_key,
)
from cardvault.fulfilment.workflow import Workflow
from cardvault.http.caller import Caller
from cardvault.http.fields import idempotency_key
from cardvault.http.schemas import body, checker
from cardvault.identity.ceilings import day_of
from cardvault.orders import store
from cardvault.orders.display import DISPLAY, Display
from cardvault.orders.recipient import RECIPIENT, Recipient, hash_passcode
from cardvault.orders.records import (
    UNFINISHED,
    OrderRecord,
    Status,
    UniquenessRecord,
    new_hash_salt,
    owner_key,
)

LARGEST_ORDER = 10_000

SUPPLIER_ID = {
    "type": "string",
    "pattern": r"^[A-Za-z0-9][A-Za-z0-9_:.-]{0,63}\Z",
    "description": "must be 1 to 64 letters, digits or _ : . -",
}
_check = checker(
    {
        **body(
            {},
            {
                "productId": SUPPLIER_ID,
                "typeId": SUPPLIER_ID,
                "quantity": {"type": "integer", "minimum": 1, "maximum": LARGEST_ORDER},
                "supplierOrderId": SUPPLIER_ID,
                "delivery": RECIPIENT,
                "display": DISPLAY,
            },
        ),
        "oneOf": [
            {"required": ["productId", "typeId", "quantity"]},
            {"required": ["supplierOrderId"]},
        ],
        "description": "either productId, typeId and quantity, or supplierOrderId, is required",
    }
)
_OF_A_PURCHASE = {"productId", "typeId", "quantity"}


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What to buy, or which supplier order to adopt; whom to write to, and what to say of it."""

    product_id: str | None = None
    type_id: str | None = None
    quantity: int | None = None
    supplier_order_id: str | None = None
    recipient: Recipient | None = None
    display: Display | None = None

    @classmethod
    def parse(cls, request: dict[str, Any]) -> Self:
        """From a request body. Raises InvalidRequest, naming the field."""
        checked = _check(request)
        if "supplierOrderId" in checked and checked.keys() & _OF_A_PURCHASE:
            raise InvalidRequest("supplierOrderId stands alone: the supplier knows the rest")
        delivery, display = checked.get("delivery"), checked.get("display")
        return cls(
            checked.get("productId"),
            checked.get("typeId"),
            int(checked["quantity"]) if "quantity" in checked else None,
            checked.get("supplierOrderId"),
            Recipient.of(delivery) if delivery else None,
            Display.of(display) if display else None,
        )

    def fingerprint(self, salt: bytes, *, former: bool = False) -> str:
        """SHA-256 over the order: tells a repeat from another request under the same key.

        A passcode goes in under its slow hash, or it could be guessed from here; with `former`
        under the one of former releases, which kept the fingerprint as it is.
        """
        content = asdict(self)
        if self.display is None:  # as in former releases, whose orders had none
            del content["display"]
        if self.recipient and self.recipient.passcode:
            hashed = hash_passcode(self.recipient.passcode, salt, former=former)
            content["recipient"]["passcode"] = hashed.hex()
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """Record an order and start its workflow. `sends_mail`: whether it may name a customer.

    `tenants_cards_per_day` is the ceiling of a tenant for whom an operator set none.
    """

    workflow: Workflow
    adoptable_after: timedelta
    tenants_cards_per_day: int
    clock: Clock = utc_now
    sends_mail: bool = True

    def __call__(self, request: NewOrder, key: str | None, caller: Caller) -> OrderRecord:
        """The order for this Idempotency-Key, made now or before.

        A repeat also starts a workflow that a crash kept from starting. Raises InvalidRequest,
        Forbidden, IdempotencyKeyReused, MailNotSetUp, OrderAboveCeiling, DailyCeilingReached,
        SupplierOrderTaken, TooManyWriters.
        """
        key = idempotency_key(key)
        if request.supplier_order_id:
            caller.require("orders:adopt")
            self._expect_settled(request.supplier_order_id)
        order = self._record(request, key, caller)
        if order.status in {Status.RECEIVED, Status.PLACED}:
            self.workflow.start(order.order_id)
        return order

    def _expect_settled(self, supplier_order_id: str) -> None:
        # One of ours whose placing had no answer yet may not be taken from under it. The
        # supplier's ids begin with their time, as ours do.
        if not is_id(supplier_order_id):
            raise InvalidRequest("supplierOrderId must be 24 hex digits")
        made_at = datetime.fromtimestamp(int(supplier_order_id[:8], 16), UTC)
        if self.clock() - made_at < self.adoptable_after:
            raise InvalidRequest("supplierOrderId is too young to be adopted; try again later")

    @retry_lost_races
    def _record(self, request: NewOrder, key: str, caller: Caller) -> OrderRecord:
        record_key = idempotency_record_key(caller, key)
        salt = hashlib.sha256(record_key.encode()).digest()
        fingerprint = request.fingerprint(salt)
        if (record := find_record(record_key)) is not None:
            order = store.find(record.owning_order_id)
            known = record.request_hash
            same = known in {_request_hash(fingerprint, order), fingerprint}
            if not same and known != request.fingerprint(salt, former=True):
                raise IdempotencyKeyReused
            return order
        if request.recipient and not self.sends_mail:
            raise MailNotSetUp
        now = self.clock()
        order = _new_record(request, caller, new_id(now), to_text(now))
        work = UnitOfWork()
        unused = UniquenessRecord.key.does_not_exist()
        record = UniquenessRecord(
            record_key,
            owning_order_id=order.order_id,
            request_hash=_request_hash(fingerprint, order),
        )
        work.save(record, condition=unused)
        if request.supplier_order_id:
            claim_supplier_order(work, request.supplier_order_id, order.order_id)
        if request.quantity:
            self._count(work, order, record_key, now)
        _save_with_event(work, order, caller)
        work.commit()
        return order

    def _count(self, work: UnitOfWork, order: OrderRecord, record_key: str, now: datetime) -> None:
        """Count the order's cards in the unit of work, an adopted order's not: they are bought."""
        try:
            order.buyer.take(work, int(order.quantity), now, self.tenants_cards_per_day)
        except (OrderAboveCeiling, DailyCeilingReached):
            if find_record(record_key) is not None:
                raise LostRace from None  # a repeat, whose first request has just been counted
            raise
        order.counted_on = day_of(now)


def _request_hash(fingerprint: str, order: OrderRecord) -> str | None:
    """HMAC-SHA256, hex, under the order's salt: when the salt goes, no address can be tried."""
    if order.hash_salt is None:
        return None
    return hmac.digest(order.hash_salt.encode(), fingerprint.encode(), "sha256").hex()


def _new_record(request: NewOrder, caller: Caller, order_id: str, now: str) -> OrderRecord:
    adopted = request.supplier_order_id is not None
    return OrderRecord(
        order_id,
        owner=owner_key(caller.tenant_id, caller.user_id),
        created_at=now,
        updated_at=now,
        tenant_id=caller.tenant_id,
        user_id=caller.user_id,
        client_id=caller.client_id,
        status=Status.PLACED if adopted else Status.RECEIVED,
        product_id=request.product_id,
        type_id=request.type_id,
        quantity=request.quantity,
        supplier_order_id=request.supplier_order_id,
        placed_at=now if adopted else None,
        hash_salt=new_hash_salt(),
        unfinished=UNFINISHED,
        **(request.recipient.attributes() if request.recipient else {}),
        **(request.display.attributes() if request.display else {}),
    )


def _save_with_event(work: UnitOfWork, order: OrderRecord, caller: Caller) -> None:
    name = EventName.ORDER_ADOPTED if order.supplier_order_id else EventName.ORDER_CREATED
    order.version = 1
    subject = Subject(order.order_id, order.tenant_id, order.version, order.hash_with({}))
    event = Event(name, **caller.audit_actor(order.tenant_id))
    trail.put_with(work, subject, event, timestamp=order.created_at)
    work.save(order, condition=OrderRecord.order_id.does_not_exist())
