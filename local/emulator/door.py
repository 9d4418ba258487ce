"""Who may ask the emulator: programs. A page may ask an HTTP API that shares itself with it."""

import functools
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ministack import app
from ministack.core.router import detect_service
from ministack.services import apigateway

from local.loopback import App, Asked, Door, GuardedApp, Message, Receive, Send, asked_of

# No document that the emulator serves is a page of its origin, which could ask everything.
_NO_PAGE = (b"content-security-policy", b"sandbox")


def guard(emulator: App) -> GuardedApp:
    """Put the door before the emulator's ASGI application."""
    return GuardedApp(functools.partial(_answer, emulator), Door(is_opened, is_welcome))


async def _answer(emulator: App, scope: Message, receive: Receive, send: Send) -> None:
    is_api = scope["type"] != "http" or _api_of(asked_of(scope)) is not None
    await emulator(scope, receive, send if is_api else functools.partial(_send_unshared, send))


def is_opened(asked: Asked) -> bool:
    """Whether a person may come by a link: to a page of an HTTP API, or a signed S3 address."""
    parts = urlsplit(asked.target)
    query, host = parse_qs(parts.query), asked.header("host")
    is_signed = "X-Amz-Signature" in query and app._s3_cors_target(host, parts.path) is not None
    in_s3 = detect_service(asked.method, parts.path, {"host": host}, query) == "s3"
    return _api_of(asked) is not None or (is_signed and in_s3)


def is_welcome(asked: Asked) -> bool:
    """Whether an HTTP API's own CORS configuration names the page's origin, as on AWS."""
    api, origin = _api_of(asked), asked.header("origin")
    cors = (api or {}).get("corsConfiguration") or {}
    return bool(origin and apigateway._cors_response_headers(cors, origin))


def _api_of(asked: Asked) -> dict[str, Any] | None:
    """The HTTP API that a request is for: that it is one of the product's, not one of AWS's."""
    found = app._parse_execute_api_url(asked.header("host"), urlsplit(asked.target).path)
    apis = apigateway._apis.all_items() if found else []
    return next((api for (_account, _region, api_id), api in apis if api_id == found[0]), None)


async def _send_unshared(send: Send, message: Message) -> None:
    """Take away the leave to read that the emulator gives to every page."""
    if message["type"] == "http.response.start":
        kept = [
            (name, value)
            for name, value in message.get("headers", [])
            if not name.lower().startswith(b"access-control-")
        ]
        message = {**message, "headers": [*kept, _NO_PAGE]}
    await send(message)
