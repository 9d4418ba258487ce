"""The supplier's routes under /v3: docs/supplier-contract.md, "Transport"."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from local.sandbox.catalog import PRODUCTS, catalog_data
from local.sandbox.fault_modes import CHECK, PLACE, fault_of_type
from local.sandbox.messages import (
    Answer,
    Json,
    Refused,
    Request,
    bare,
    invalid,
    router_miss,
    success,
)
from local.sandbox.orders import Wanted, dinars
from local.sandbox.paging import window_of
from local.sandbox.state import State, wanted_key

MAX_QUANTITY = 100_000


@dataclass(frozen=True)
class Route:
    """A method and a path; the path's one group, if any, is handed on as the id."""

    method: str
    path: re.Pattern[str]
    name: str
    handle: Callable[[State, Request, str], Answer]


def answer(state: State, request: Request) -> Answer:
    """Count the request, check its key, and answer it as the faults allow."""
    with state.lock:
        for route in ROUTES:
            found = route.path.fullmatch(request.path)
            if found and request.method == route.method:
                return _through(state, request, route, found[1] if found.re.groups else "")
        state.requests["unknown"] += 1
        return router_miss(request)


def _through(state: State, request: Request, route: Route, ident: str) -> Answer:
    state.requests[route.name] += 1
    if route.name == CHECK:
        state.checks[ident] += 1
    state.account.settle(state.now_ms())
    try:
        if route.name != "ping":
            state.access.admit(request.token, state.now_ms())
        return state.faults.around(route.name, lambda: route.handle(state, request, ident))
    except Refused as refused:
        return refused.answer()


def _ping(state: State, _request: Request, _ident: str) -> Answer:
    """Health of the supplier's operators; it has no flag for gift cards."""
    names = ("mobilis", "ooredoo", "djezzy", "mobilisFixedPlans")
    return success({"api": "ok", "operators": dict.fromkeys(names, "up")}, state.now_ms())


def _validate(state: State, _request: Request, _ident: str) -> Answer:
    """The key's kind and scope. It repeats the key, as the supplier does."""
    kind = "PRODUCTION" if state.options.production_like else "SANDBOX"
    api_key = {
        "key": state.options.key,
        "isEnabled": True,
        "type": kind,
        "allowedips": [],
        "scope": "READ-WRITE",
    }
    return bare({"username": "+213600000000", "apiKey": api_key})


def _balance(state: State, _request: Request, _ident: str) -> Answer:
    return success({"balance": dinars(state.account.balance)}, state.now_ms())


def _transactions(state: State, request: Request, _ident: str) -> Answer:
    """The ledger: docs/supplier-contract.md, "Balance and ledger"."""
    window = window_of(request.query)
    rows = [row for at_ms, row in state.account.newest_first() if window.covers(at_ms)]
    items, pagination = window.cut(rows)
    data = {"items": items, "pagination": pagination}
    return success(data, state.now_ms(), request_id=True)


def _catalog(state: State, _request: Request, _ident: str) -> Answer:
    """Categories and products, with the totals beside the data."""
    data, totals = catalog_data()
    return success(data, state.now_ms(), top=totals)


def _check_product(state: State, _request: Request, ident: str) -> Answer:
    """The types of a product, with price and stock."""
    product = PRODUCTS.get(ident)
    if product is None:
        raise Refused(404, "NOT_FOUND", "Product not found")
    data = {
        "productId": product.product_id,
        "productTitle": product.title,
        "types": state.account.types_of(product),
    }
    return success(data, state.now_ms(), request_id=True)


def _place(state: State, request: Request, _ident: str) -> Answer:
    """Buy. There is no idempotency key; `ref` is ignored like any unknown field."""
    wanted = wanted_of(request.body)
    chosen = fault_of_type(wanted.type_id)
    state.asked[wanted_key(wanted.product_id, wanted.type_id)] += 1

    def commit() -> Answer:
        now_ms = state.now_ms()
        price = state.account.quote(wanted)
        fault = chosen or state.faults.for_new_order()
        order = state.orders.place(wanted, now_ms, price, state.prefix, fault)
        state.account.debit(order)
        return success({"orderId": order.order_id}, now_ms, request_id=True)

    return state.faults.around_own(chosen, PLACE, wanted.type_id, commit)


def _check(state: State, _request: Request, ident: str) -> Answer:
    """One order; an unknown id and one that is no id are both 404, a guess of ours."""
    order = state.orders.get(ident)
    if order is None:
        raise Refused(404, "NOT_FOUND", "Order not found")
    return state.faults.around_own(
        order.fault, CHECK, ident, lambda: bare(order.read(state.now_ms()))
    )


def _list(state: State, request: Request, _ident: str) -> Answer:
    """Orders, newest first, with their cards: docs/supplier-contract.md, "Listing orders"."""
    window = window_of(request.query)
    found = [order for order in state.orders.newest_first() if window.covers(order.placed_at)]
    orders, pagination = window.cut(found)
    now_ms = state.now_ms()
    for order in orders:
        state.listed[order.order_id] += 1
    data = {"items": [order.read(now_ms) for order in orders], "pagination": pagination}
    return success(data, now_ms)


def wanted_of(body: bytes) -> Wanted:
    """Read `{"productId": text, "typeId": text, "quantity": whole number from 1}`.

    No highest quantity is documented; the sandbox's own bound keeps one answer in memory.
    """
    fields = json_object(body)
    product_id, type_id = fields.get("productId"), fields.get("typeId")
    quantity = fields.get("quantity")
    if not isinstance(product_id, str) or not product_id:
        raise invalid('"productId" is required and must be a string')
    if not isinstance(type_id, str) or not type_id:
        raise invalid('"typeId" is required and must be a string')
    if not isinstance(quantity, int) or isinstance(quantity, bool):
        raise invalid('"quantity" is required and must be an integer')
    if not 1 <= quantity <= MAX_QUANTITY:
        message = f'"quantity" must be from 1 to {MAX_QUANTITY}'
        raise invalid(message)
    return Wanted(product_id, type_id, quantity)


def json_object(body: bytes) -> Json:
    """Read the body as a JSON object."""
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise invalid("the body is not JSON") from error
    if not isinstance(fields, dict):
        raise invalid("the body is not a JSON object")
    return fields


ROUTES = tuple(
    Route(method, re.compile(f"/v3/{path}"), name, handle)
    for method, path, name, handle in (
        ("GET", "ping", "ping", _ping),
        ("GET", "validate", "validate", _validate),
        ("GET", "account/balance", "balance", _balance),
        ("GET", "account/transactions", "transactions", _transactions),
        ("GET", "gift-cards/catalog", "catalog", _catalog),
        ("GET", "gift-cards/checkProduct/([^/]+)", "checkProduct", _check_product),
        ("POST", "gift-cards/placeOrder", PLACE, _place),
        ("GET", "gift-cards/checkOrder/([^/]+)", CHECK, _check),
        ("GET", "gift-cards/list", "list", _list),
    )
)
