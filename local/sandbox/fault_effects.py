"""What each request fault does to an answer.

An effect gets its argument, how often it was applied before, and the step it stands around. It may
take the step, or answer in its place. Handing the step's own answer back means it was not applied.
"""

from collections.abc import Callable
from dataclasses import replace

from local.sandbox.fault_modes import script_of
from local.sandbox.messages import Answer, Json, Refused

Step = Callable[[], Answer]
Effect = Callable[[str, int, Step], Answer]

_KEY_REFUSALS = {
    "INVALID_ACCESS_TOKEN": Refused(
        401,
        "INVALID_ACCESS_TOKEN",
        "The provided access token is invalid",
        details={"attemptsLeft": 3},
    ),
    "IP_BLOCKED": Refused(
        403,
        "IP_BLOCKED",
        "Your IP has been temporarily blocked due to too many invalid attempts",
    ),
    "IP_NOT_ALLOWED": Refused(403, "IP_NOT_ALLOWED", "This IP address is not allowed"),
    "API_DISABLED": Refused(403, "API_DISABLED", "API access is disabled"),
    "AUTH_UNAVAILABLE": Refused(
        503,
        "AUTH_UNAVAILABLE",
        "The access token could not be checked in time",
        headers={"Retry-After": "5"},
    ),
}
_INTERNAL = Refused(500, "INTERNAL_ERROR", "An internal error occurred")
_UNAVAILABLE = Refused(503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable")
_TOO_MANY = "Too many requests"
_TOLD_WHILE_HANDLING = ("_id", "quantity", "product", "type", "time")


def out_of_stock() -> Refused:
    """Refuse with a guessed code: the supplier publishes only the words."""
    return Refused(403, "ERR_STOCK", "Product out of stock")


def no_balance() -> Refused:
    """Refuse as docs/supplier-contract.md, "Errors", says."""
    return Refused(403, "NO_BALANCE", "Insufficient balance")


def _timeout_after_commit(argument: str, _before: int, step: Step) -> Answer:
    return replace(step(), delay_s=float(argument))


def _error_after_commit(_argument: str, _before: int, step: Step) -> Answer:
    step()
    return _UNAVAILABLE.answer()


def _connection_reset(argument: str, _before: int, step: Step) -> Answer:
    if argument == "after":
        step()
    return Answer(500, {}, reset=True)


def _rate_limited(argument: str, _before: int, _step: Step) -> Answer:
    headers = {"Retry-After": argument}
    return Refused(429, "RATE_LIMIT_EXCEEDED", _TOO_MANY, headers=headers).answer()


def _server_errors(_argument: str, before: int, _step: Step) -> Answer:
    return (_UNAVAILABLE if before % 2 else _INTERNAL).answer()


def _malformed_json(_argument: str, _before: int, step: Step) -> Answer:
    plain = step()
    return (
        plain if _cards_still_to_come(plain.body.get("data", {})) else replace(plain, broken=True)
    )


def _script(argument: str, before: int, step: Step) -> Answer:
    steps = script_of(argument)
    match steps[before % len(steps)]:
        case "outage":
            return _server_errors("", before // 2, step)
        case "throttled":
            return _rate_limited("0", before, step)
        case "blocked":
            return _KEY_REFUSALS["IP_BLOCKED"].answer()
    plain = step()
    told = {k: plain.body["data"][k] for k in _TOLD_WHILE_HANDLING if k in plain.body["data"]}
    return replace(plain, body={**plain.body, "data": {**told, "status": "HANDLING"}})


def _missing_fields(_argument: str, _before: int, step: Step) -> Answer:
    plain = step()
    body = {"success": plain.body["success"], "data": thin(plain.body.get("data", {}))}
    return Answer(plain.status, body)


def _wrong_key(argument: str, _before: int, _step: Step) -> Answer:
    return _KEY_REFUSALS[argument].answer()


def _out_of_stock(_argument: str, _before: int, _step: Step) -> Answer:
    return out_of_stock().answer()


def _no_balance(_argument: str, _before: int, _step: Step) -> Answer:
    return no_balance().answer()


EFFECTS: dict[str, Effect] = {
    "timeout_after_commit": _timeout_after_commit,
    "error_after_commit": _error_after_commit,
    "connection_reset": _connection_reset,
    "rate_limited": _rate_limited,
    "server_errors": _server_errors,
    "malformed_json": _malformed_json,
    "script": _script,
    "missing_fields": _missing_fields,
    "wrong_key": _wrong_key,
    "out_of_stock": _out_of_stock,
    "no_balance": _no_balance,
}


def inject(name: str, argument: str, before: int, step: Step) -> Answer:
    """Answer the step as this fault would have it."""
    return EFFECTS[name](argument, before, step)


def _cards_still_to_come(data: Json) -> bool:
    """Whether this is a reading of orders with no card in it yet."""
    orders = data.get("items", [data] if "_id" in data else [])
    return bool(orders) and not any(order.get("cards") for order in orders)


def thin(data: Json) -> Json:
    """Take the optional fields out of the data of any route."""
    if "_id" in data:
        return _thin_order(data)
    if "items" in data:
        return {**data, "items": [_thin_order(item) for item in data["items"]]}
    if "categories" in data:
        return {"categories": [_thin_category(category) for category in data["categories"]]}
    if "types" in data:
        return {"types": data["types"]}
    return data


def _thin_category(category: Json) -> Json:
    products = [{k: v for k, v in p.items() if k != "region"} for p in category["products"]]
    return {**category, "products": products}


def _thin_order(order: Json) -> Json:
    """A client must accept absent, null, 0 and []: each of them is here somewhere."""
    kept = {k: v for k, v in order.items() if k not in ("product", "type", "price_per_card")}
    if "cards" not in order:
        return {**kept, "fulfilled_quantity": 0, "fulfilled_amount": None, "cards": []}
    cards = [
        {"value": card["value"], "serial": None} if number % 2 else {"value": card["value"]}
        for number, card in enumerate(order["cards"])
    ]
    return {**kept, "fulfilled_amount": None, "cards": cards}
