"""Money and stock.

The two modes: docs/supplier-contract.md, "Test accounts".

A sandbox key moves no money: prices are 0, ids are not checked, stock does not go down. In
production-like mode catalog types have their price and stock, and the ledger is kept. The test and
fault types have no place in the catalog; there they cost `TEST_PRICE` and never run out.
"""

from local.sandbox.catalog import PRODUCTS, Product
from local.sandbox.fault_effects import no_balance, out_of_stock
from local.sandbox.fault_modes import TYPE_PREFIX
from local.sandbox.messages import Json, Refused, iso_ms, new_object_id
from local.sandbox.orders import Order, Wanted, dinars

TEST_PRICE = 50_000


class Account:
    """The account: a balance, its ledger and the shelves."""

    def __init__(self, opening: int, now_ms: int, *, production_like: bool) -> None:
        self._production_like = production_like
        self._stock = {t.type_id: t.stock for p in PRODUCTS.values() for t in p.types}
        self._rows: list[Json] = []
        self._owed: list[Order] = []
        self.balance = 0
        self._post("DEPOSIT", opening, now_ms, note="Opening balance")

    def types_of(self, product: Product) -> list[Json]:
        """`[{id, name, price, quantity}]`, as checkProduct has them."""
        return [
            {
                "id": card_type.type_id,
                "name": card_type.name,
                "price": dinars(card_type.price),
                "quantity": self._stock[card_type.type_id],
            }
            for card_type in product.types
        ]

    def quote(self, wanted: Wanted) -> int:
        """Find the price per card. Refuses what is unknown, out of stock or too dear."""
        if not self._production_like:
            return 0
        price = self._price(wanted)
        stock = self._stock.get(wanted.type_id)
        if stock is not None and stock < wanted.quantity:
            raise out_of_stock()
        if price * wanted.quantity > self.balance:
            raise no_balance()
        return price

    def debit(self, order: Order) -> None:
        """Take the money for all its cards and the cards off the shelf."""
        if not self._production_like:
            return
        wanted = order.wanted
        if wanted.type_id in self._stock:
            self._stock[wanted.type_id] -= wanted.quantity
        self._post("ORDER", -order.price * wanted.quantity, order.placed_at, order.order_id)
        if order.delivered < wanted.quantity:
            self._owed.append(order)

    def settle(self, now_ms: int) -> None:
        """Pay back what orders that became final by now did not deliver."""
        due = sorted((o for o in self._owed if o.final_at <= now_ms), key=lambda o: o.final_at)
        for order in due:
            missing = order.wanted.quantity - order.delivered
            self._post("REFUND-ORDER", order.price * missing, order.final_at, order.order_id)
            self._owed.remove(order)

    def newest_first(self) -> list[tuple[int, Json]]:
        """List the ledger's rows with their times."""
        return [
            (row["_ms"], {k: v for k, v in row.items() if k != "_ms"}) for row in self._rows[::-1]
        ]

    def _price(self, wanted: Wanted) -> int:
        if wanted.type_id.startswith((TYPE_PREFIX, "TEST_")):
            return TEST_PRICE
        product = PRODUCTS.get(wanted.product_id)
        for card_type in product.types if product else ():
            if card_type.type_id == wanted.type_id:
                return card_type.price
        raise Refused(404, "NOT_FOUND", "Product or type not found")

    def _post(self, kind: str, amount: int, at_ms: int, objid: str = "", note: str = "") -> None:
        """Add a row. The values of `operation` are a guess from the supplier's headings."""
        before, self.balance = self.balance, self.balance + amount
        self._rows.append(
            {
                "_id": new_object_id(at_ms),
                "type": kind,
                "operation": "INCREMENT" if amount >= 0 else "DECREMENT",
                "amount": dinars(abs(amount)),
                "oldBalance": dinars(before),
                "newBalance": dinars(self.balance),
                "objid": objid,
                "note": note,
                "time": iso_ms(at_ms),
                "_ms": at_ms,
            }
        )
