"""Reading a request: API Gateway's event, payload format 2.0.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cardvault import errors
from cardvault.core.ids import is_id
from cardvault.http import unknown_names
from cardvault.http.fields import ID, Schema

Event = dict[str, Any]


def order_id(event: Event) -> str:
    """The path's orderId. Raises OrderNotFound for what can be none, as for an unknown one."""
    found = str(event["pathParameters"]["orderId"])
    if not is_id(found):
        raise errors.OrderNotFound
    return found


def path_id(event: Event, name: str) -> str:
    """An id in the path. Raises InvalidRequest, naming it, for what can be none."""
    found = str(event["pathParameters"][name])
    if not is_id(found):
        raise errors.InvalidRequest(f"{name} {ID['description']}")
    return found


def query(event: Event, name: str) -> str | None:
    """A query parameter, None if absent or empty."""
    value = (event.get("queryStringParameters") or {}).get(name)
    return str(value) if value else None


class Parameter(Protocol):
    """A query parameter that a function knows."""

    @property
    def name(self) -> str:
        """As it is written in the address."""

    @property
    def schema(self) -> Schema:
        """What it may be."""


def expect_known(event: Event, known: Collection[Parameter]) -> Event:
    """The request, its query parameters under the names we gave them: merchantId as merchant_id.

    Raises InvalidRequest, naming the first one that is not among `known`.
    """
    named = {}
    names = {parameter.name: parameter.name for parameter in known}
    names |= {_in_camel_case(name): name for name in names}
    for name, value in (event.get("queryStringParameters") or {}).items():
        if name not in names:
            raise errors.InvalidRequest(
                unknown_names.of_parameter(name, [one.name for one in known])
            )
        if names[name] in named:
            raise errors.InvalidRequest(f"{names[name]} is given twice")
        named[names[name]] = value
    return {**event, "queryStringParameters": named}


def _in_camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


@dataclass(frozen=True, slots=True)
class Text:
    """A query parameter that is any text, or absent."""

    name: str

    @property
    def schema(self) -> Schema:
        """What it may be."""
        return {"type": "string"}

    def __call__(self, event: Event) -> str | None:
        """Its value."""
        return query(event, self.name)


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A query parameter that is a whole number from `least` to `most`."""

    name: str
    least: int
    most: int
    default: int

    @property
    def schema(self) -> Schema:
        """What it may be."""
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **bounds, "default": self.default}

    def __call__(self, event: Event) -> int:
        """Its value. Raises InvalidRequest, naming it."""
        raw = query(event, self.name)
        if raw is None:
            return self.default
        if not re.fullmatch(r"[0-9]{1,9}", raw) or not self.least <= int(raw) <= self.most:
            raise errors.InvalidRequest(
                f"{self.name} must be a whole number from {self.least} to {self.most}"
            )
        return int(raw)


@dataclass(frozen=True, slots=True)
class Choice:
    """A query parameter that is one of some words, or absent."""

    name: str
    words: Sequence[str]

    @property
    def schema(self) -> Schema:
        """What it may be."""
        return {"type": "string", "enum": list(map(str, self.words))}

    def __call__(self, event: Event) -> str | None:
        """Its value. Raises InvalidRequest, naming it."""
        raw = query(event, self.name)
        if raw is not None and raw not in self.words:
            raise errors.InvalidRequest(f"{self.name} must be one of {', '.join(self.words)}")
        return raw


@dataclass(frozen=True, slots=True)
class Flag:
    """A query parameter that is true or false, and false if absent."""

    name: str

    @property
    def schema(self) -> Schema:
        """What it may be."""
        return {"type": "boolean", "default": False}

    def __call__(self, event: Event) -> bool:
        """Its value. Raises InvalidRequest, naming it."""
        raw = query(event, self.name)
        if raw not in {None, "true", "false"}:
            raise errors.InvalidRequest(f"{self.name} must be true or false")
        return raw == "true"


def header(event: Event, name: str) -> str | None:
    """A request header by its lower-case name, None if absent."""
    value = (event.get("headers") or {}).get(name)
    return None if value is None else str(value)


def origin(event: Event) -> dict[str, Any]:
    """Where a request came from, as an audit event records it."""
    http = event.get("requestContext", {}).get("http", {})
    return {"ip_address": http.get("sourceIp"), "user_agent": http.get("userAgent")}
