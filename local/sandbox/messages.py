"""Requests as the routes see them, and answers as docs/supplier-contract.md, "Envelope", says."""

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One HTTP request, read to its end."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What to send, and what a fault does to the sending of it.

    `delay_s` withholds it, `reset` sends a TCP reset in its place, `broken` cuts the end off its
    JSON.
    """

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    reset: bool = False
    broken: bool = False

    def encode(self) -> bytes:
        """Write the body as it goes out. A broken one keeps everything but the last brace."""
        text = json.dumps(self.body, ensure_ascii=False, separators=(",", ":"))
        return (text[:-1] if self.broken else text).encode()


class Refused(Exception):
    """An error the supplier answers: `{"success":false,"error":{code,message,details?},requestId}`.

    It has neither `data` nor `meta`. Codes: docs/supplier-contract.md, "Errors".
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    def answer(self) -> Answer:
        """Put it in the envelope."""
        error: Json = {"code": self.code, "message": self.message}
        if self.details is not None:
            error["details"] = self.details
        request_id = new_request_id()
        return Answer(
            self.status,
            {"success": False, "error": error, "requestId": request_id},
            {**self.headers, "X-Request-Id": request_id},
        )


def invalid(message: str) -> Refused:
    """Refuse what the client sent. The supplier shows this code without a message."""
    return Refused(400, "ERR_VALIDATION", message)


def success(
    data: Json, now_ms: int, *, top: Json | None = None, request_id: bool = False
) -> Answer:
    """`{"success":true, ...top, "data":{…}, "meta":{"timestamp":…}}`.

    Recorded answers of the supplier have no `requestId`, examples written by hand have one, so a
    route has to ask for it.
    """
    body = {"success": True, **(top or {}), "data": data, "meta": {"timestamp": iso_ms(now_ms)}}
    if not request_id:
        return Answer(200, body)
    body["requestId"] = new_request_id()
    return Answer(200, body, {"X-Request-Id": body["requestId"]})


def bare(data: Json) -> Answer:
    """`{"success":true,"data":{…}}`: `/validate` and `checkOrder` have no meta and no requestId."""
    return Answer(200, {"success": True, "data": data})


def router_miss(request: Request) -> Answer:
    """Answer as the router itself does, which knows no envelope."""
    message = f"Route {request.method}:{request.path} not found"
    return Answer(404, {"message": message, "error": "Not Found", "statusCode": 404})


def iso_ms(epoch_ms: int) -> str:
    """`2025-10-29T00:36:53.030Z`."""
    moment = datetime.fromtimestamp(epoch_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{epoch_ms % 1000:03d}Z"


def new_object_id(epoch_ms: int) -> str:
    """24 hex digits, the creation time in the first 4 bytes."""
    return f"{epoch_ms // 1000:08x}{secrets.token_hex(8)}"


def new_request_id() -> str:
    """`req_<digits>_<6 characters>`; opaque."""
    return f"req_{int(time.time())}_{secrets.token_hex(3)}"
