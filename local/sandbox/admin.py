"""The sandbox's own routes under /_sandbox: what was asked, and what shall go wrong.

    GET    /_sandbox/requests          State.counts()
    GET    /_sandbox/orders            [{orderId, productId, typeId, quantity, status, …}], no codes
    GET    /_sandbox/codes/{orderId}   {"cards": [{value, serial}]} as last shown; for tests only
    GET    /_sandbox/faults            {"armed": […], "modes": […]}
    POST   /_sandbox/faults            {"mode", "argument"?, "times"?, "route"?}
    DELETE /_sandbox/faults[/{id}]     {"removed": n}
    POST   /_sandbox/canary            {"prefix"}: what codes placed from now on begin with
    POST   /_sandbox/reset             forget everything

They need the key in `X-Access-Token` too: no other program on this machine shall read codes or arm
faults. A wrong key here does not count towards the lockout, and no fault applies here. Answers are
plain JSON without envelope; errors are `{"error": text}`.
"""

import re
from collections.abc import Callable

from local.sandbox.fault_modes import MODES, TYPE_PREFIX
from local.sandbox.messages import Answer, Json, Refused, Request, iso_ms
from local.sandbox.routes import json_object
from local.sandbox.state import State

PREFIX = "/_sandbox/"

Handler = Callable[[State, Request, str], Json]


def answer(state: State, request: Request) -> Answer:
    """Answer a request to one of the sandbox's own routes."""
    with state.lock:
        if not state.access.holds(request.token):
            return Answer(401, {"error": "X-Access-Token must be the sandbox key"})
        try:
            return _routed(state, request)
        except Refused as refused:
            return Answer(refused.status, {"error": refused.message})


def _routed(state: State, request: Request) -> Answer:
    for method, path, handle in _ROUTES:
        found = re.fullmatch(path, request.path.removeprefix(PREFIX))
        if found and method == request.method:
            return Answer(200, handle(state, request, found[1] if found.re.groups else ""))
    return Answer(404, {"error": "no such sandbox route"})


def orders_of(state: State) -> list[Json]:
    """List the orders, newest first, without their cards."""
    now_ms = state.now_ms()
    return [
        {
            "orderId": order.order_id,
            "productId": order.wanted.product_id,
            "typeId": order.wanted.type_id,
            "quantity": order.wanted.quantity,
            "status": order.status(now_ms),
            "time": iso_ms(order.placed_at),
            "fault": order.fault.name if order.fault else None,
        }
        for order in state.orders.newest_first()
    ]


def codes_of(state: State, order_id: str) -> list[Json]:
    """Show the cards an order has or will have, without counting as a reading."""
    order = state.orders.get(order_id)
    if order is None:
        raise Refused(404, "NOT_FOUND", "no such order")
    return order.cards()


def modes() -> list[Json]:
    """Describe the fault modes for a console to list."""
    return [
        {
            "name": name,
            "description": mode.does,
            "argument": mode.argument,
            "default": mode.default,
            "typeId": TYPE_PREFIX + name.upper(),
        }
        for name, mode in MODES.items()
    ]


def _requests(state: State, _request: Request, _ident: str) -> Json:
    return state.counts()


def _orders(state: State, _request: Request, _ident: str) -> Json:
    return {"orders": orders_of(state)}


def _codes(state: State, _request: Request, ident: str) -> Json:
    return {"orderId": ident, "cards": codes_of(state, ident)}


def _faults(state: State, _request: Request, _ident: str) -> Json:
    return {"armed": state.faults.armed(), "modes": modes()}


def _arm(state: State, request: Request, _ident: str) -> Json:
    fields = json_object(request.body)
    times, route = fields.get("times"), fields.get("route")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool)):
        times = 0
    return state.faults.arm(
        str(fields.get("mode", "")),
        str(fields.get("argument") or ""),
        times,
        None if route is None else str(route),
    )


def _disarm(state: State, _request: Request, ident: str) -> Json:
    return {"removed": state.faults.disarm(int(ident) if ident else None)}


def _canary(state: State, request: Request, _ident: str) -> Json:
    return {"prefix": state.set_prefix(json_object(request.body).get("prefix"))}


def _reset(state: State, _request: Request, _ident: str) -> Json:
    state.reset()
    return {"reset": True}


_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "requests", _requests),
    ("GET", "orders", _orders),
    ("GET", r"codes/([0-9a-f]{24})", _codes),
    ("GET", "faults", _faults),
    ("POST", "faults", _arm),
    ("DELETE", "faults", _disarm),
    ("DELETE", r"faults/(\d{1,9})", _disarm),
    ("POST", "canary", _canary),
    ("POST", "reset", _reset),
)
