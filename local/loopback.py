"""The door of every server on this machine: programs and the server's own pages come in.

Listening on loopback is no authentication: any page that is open in a browser on this machine can
send requests here, and a foreign name can be made to lead here (DNS rebinding). What decides are
headers that a browser writes and a page cannot change: Host, Origin and Sec-Fetch-*. A program
sends neither of the last two. Sources: https://www.w3.org/TR/fetch-metadata/ and, for the names
below `localhost`, RFC 6761, section 6.3.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, Protocol

HOST: Final = "127.0.0.1"
DRAINED_BYTES: Final = 1 << 20
_OUR_NAME: Final = re.compile(r"(?:127\.0\.0\.1|(?:[a-z0-9-]+\.)*localhost)(?::[0-9]{1,5})?")


class Headers(Protocol):
    """A request's headers, found by their names in small letters."""

    def get(self, name: str, /) -> str | None:
        """One header's value."""


@dataclass(frozen=True)
class Asked:
    """What is known of a request before its body; `target` is the path with the query."""

    method: str
    target: str
    headers: Headers

    def header(self, name: str) -> str:
        """One header's value in small letters, or nothing."""
        return (self.headers.get(name) or "").lower()


def always(_asked: Asked) -> bool:
    """Say yes to any request."""
    return True


def never(_asked: Asked) -> bool:
    """Say no to any request."""
    return False


@dataclass(frozen=True)
class Door:
    """What a server lets in besides programs and its own pages.

    `opens` says which addresses a person may come to from anywhere, by a link or a redirect, in a
    window of their own. `welcomes` says which requests of foreign pages are let through.
    """

    opens: Callable[[Asked], bool] = never
    welcomes: Callable[[Asked], bool] = never

    def refusal(self, asked: Asked) -> tuple[int, str] | None:
        """The status and the reason with which a request is refused, or None."""
        if not _OUR_NAME.fullmatch(asked.header("host")):
            return 421, "this server has no such name"
        if _comes_from_no_other_page(asked) or self.welcomes(asked):
            return None
        if _opens_a_window(asked) and self.opens(asked):
            return None
        return 403, "pages of other origins are refused"


def _comes_from_no_other_page(asked: Asked) -> bool:
    own = {"", f"http://{asked.header('host')}"}
    return asked.header("origin") in own and asked.header("sec-fetch-site") in {
        "",  # no browser
        "none",  # typed, or from a bookmark
        "same-origin",
    }


def _opens_a_window(asked: Asked) -> bool:
    """Whether the answer is shown to a person, where the page that led here cannot read it."""
    return (
        asked.method in {"GET", "HEAD"}
        and not asked.header("origin")
        and asked.header("sec-fetch-mode") == "navigate"
        and asked.header("sec-fetch-dest") == "document"
    )


class GuardedHandler(BaseHTTPRequestHandler):
    """An HTTP handler whose methods see only what its `door` lets in."""

    door = Door()

    def parse_request(self) -> bool:
        """Read a request's head, and answer what is refused."""
        if not super().parse_request():
            return False
        refused = self.door.refusal(Asked(self.command, self.path, self.headers))
        if refused is None:
            return True
        status, reason = refused
        self.close_connection = True
        length = self.headers.get("Content-Length", "")
        if length.isascii() and length.isdigit():  # else the answer could be lost with the body
            self.rfile.read(min(int(length), DRAINED_BYTES))
        self.send_response_only(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(reason)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reason.encode())
        return False


Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class GuardedApp:
    """An ASGI application that sees only what its door lets in."""

    app: App
    door: Door

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        refused = None if scope["type"] == "lifespan" else self.door.refusal(asked_of(scope))
        if refused is None:
            return await self.app(scope, receive, send)
        if scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008})
        while (await receive()).get("more_body"):
            pass
        status, reason = refused
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        return await send({"type": "http.response.body", "body": reason.encode()})


def asked_of(scope: Message) -> Asked:
    """What an ASGI scope says of a request."""
    headers = {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }
    target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
    return Asked(scope.get("method", "GET"), target, headers)
